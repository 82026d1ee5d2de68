//! What may happen in a random sequence, in small numbers.

use proptest::prelude::*;
use proptest::sample::select;

use super::times::EVERY;

/// The tasks of a sequence.
pub(crate) const TASKS: [&str; 4] = ["t0", "t1", "t2", "t3"];
/// Who decides: `carl` and `bob` create tasks, too; `sam` is in no policy, `svc` is no person.
const DECIDERS: [&str; 11] = [
    "ann", "ann", "ann", "bob", "bob", "bob", "cat", "carl", "sam", "svc", "cat+open",
];
const WITHDRAWERS: [&str; 5] = ["orc", "carl", "far", "ann", "bob"];
const RUNNERS: [&str; 8] = ["run", "run", "run", "run", "run", "ran", "rex", "sam"];
const REPORTERS: [&str; 6] = ["run", "run", "run", "ran", "orc", "rex"];
const WINDOWS: [&str; 10] = [
    "", "", "..15", "10..30", "10..30", "20..", "25..60", "25..60", "..90", "30..20",
];
/// A freeze that holds when [`EVERY`] opens.
const FROZEN: &str = "every=*/2_*_*_*_*@UTC@1m";
const CREATORS: [&str; 6] = ["carl", "carl", "carl", "bob", "none", "svc"];

/// What an orchestrator says of a task, as options of the step language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) window: &'static str,
    pub(crate) env: &'static str,
    pub(crate) project: &'static str,
    pub(crate) digest: &'static str,
    pub(crate) runner: &'static str,
    pub(crate) creator: &'static str,
    pub(crate) title: &'static str,
    pub(crate) release: &'static str,
    pub(crate) tenant: &'static str,
}

/// Where a policy differs from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) users: &'static str,
    pub(crate) teams: &'static str,
    pub(crate) min: usize,
    pub(crate) block: bool,
    pub(crate) disabled: bool,
    pub(crate) terms: Terms,
    pub(crate) windows: &'static str,
    pub(crate) close: &'static str,
}

/// What a policy says beyond that; a time of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) own: bool,
    pub(crate) share: &'static str,
    pub(crate) recheck: bool,
    pub(crate) attl: i64,
    pub(crate) ettl: i64,
    pub(crate) age: i64,
}

/// What a decision names besides its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Eyes {
    pub(crate) etag: &'static str,
    pub(crate) digest: &'static str,
}

/// Which generation a start names, told from the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    Current,
    Older,
    Newer,
}

/// One step. A request of 0 is a call that names none.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Wait(i64),
    /// The clock goes this far behind the head.
    ClockBack(i64),
    Create(&'static str, &'static str, Asked),
    /// Creates a task again as it was created.
    Again(&'static str, &'static str),
    Approve(&'static str, &'static str, Eyes, u8),
    Reject(&'static str, &'static str, Eyes, u8),
    Revoke(&'static str, &'static str, u8),
    Withdraw(&'static str, &'static str, u8),
    Start(
        &'static str,
        &'static str,
        Generation,
        &'static str,
        &'static str,
    ),
    Finish(&'static str, &'static str, &'static str, bool, u8),
    Settle(&'static str),
    MakePolicy(&'static str, Draft),
    EditPolicy(&'static str, Draft),
    DropPolicy(&'static str),
    /// Members, and whether credentials claim the team.
    MakeTeam(&'static str, &'static str, bool),
    EditTeam(&'static str, &'static str),
    DropTeam(&'static str),
    /// When it holds, as options of the step language.
    MakeFreeze(&'static str, &'static str),
    /// Whether it holds all projects.
    EditFreeze(&'static str, bool),
    LiftFreeze(&'static str),
    DropFreeze(&'static str),
    /// What the engine does when tasks have to be looked at.
    Sweep(&'static str),
    AcceptClock,
}

/// Steps that fill the gate: teams, policies, and most of the tasks.
pub(crate) fn begin() -> impl Strategy<Value = Vec<Step>> {
    let team = select(&["ann", "cat,sam", "bob,carl"][..]);
    let tasks = (asked(), asked(), asked());
    let flags = (any::<bool>(), any::<bool>());
    (team, draft(), draft(), flags, tasks).prop_map(|(team, p, q, (both, same), tasks)| {
        let mut steps = vec![
            Step::MakeTeam("dev", team, false),
            Step::MakeTeam("open", "", true),
            Step::MakePolicy("p", p),
        ];
        if both {
            steps.push(Step::MakePolicy("q", q));
        }
        let tasks = TASKS.into_iter().zip([tasks.0, tasks.1, tasks.2]);
        // In half of the sequences the tasks would share, if the policies let them.
        let tasks = tasks.map(|(id, asked)| match same {
            true => (
                id,
                Asked {
                    window: asked.window,
                    ..alike("", id.len() + asked.title.len())
                },
            ),
            false => (id, asked),
        });
        steps.extend(tasks.map(|(id, asked)| Step::Create("orc", id, asked)));
        steps
    })
}

/// Any step.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        9 => prop_oneof![3 => Just(1i64), 3 => Just(3), 3 => Just(9), 1 => Just(45)]
            .prop_map(Step::Wait),
        3 => prop_oneof![2 => Just(0i64), 1 => Just(2), 3 => Just(30)].prop_map(Step::ClockBack),
        70 => work(),
        6 => directory(),
        7 => freezes(),
        1 => Just(Step::AcceptClock),
    ]
}

/// Any step on tasks.
pub(crate) fn work() -> impl Strategy<Value = Step> {
    let task = || select(&TASKS[..]);
    let request = || prop_oneof![5 => Just(0u8), 1 => 1u8..3];
    let claim = || prop_oneof![8 => Just("c1"), 1 => Just("c2")];
    let decider = || select(&DECIDERS[..]);
    let orchestrator = || prop_oneof![6 => Just("orc"), 1 => Just("far")];
    let generation = prop_oneof![
        4 => Just(Generation::Current),
        1 => Just(Generation::Older),
        1 => Just(Generation::Newer),
    ];
    let digest = prop_oneof![10 => Just("own"), 1 => Just("d2"), 1 => Just("none")];
    prop_oneof![
        6 => (orchestrator(), task(), asked()).prop_map(|(w, t, a)| Step::Create(w, t, a)),
        2 => (orchestrator(), task()).prop_map(|(w, t)| Step::Again(w, t)),
        22 => (decider(), task(), eyes(), request())
            .prop_map(|(w, t, e, r)| Step::Approve(w, t, e, r)),
        2 => (decider(), task(), eyes(), request())
            .prop_map(|(w, t, e, r)| Step::Reject(w, t, e, r)),
        14 => (decider(), task(), request()).prop_map(|(w, t, r)| Step::Revoke(w, t, r)),
        3 => (select(&WITHDRAWERS[..]), task(), request())
            .prop_map(|(w, t, r)| Step::Withdraw(w, t, r)),
        11 => (select(&RUNNERS[..]), task(), generation, digest, claim())
            .prop_map(|(w, t, g, d, c)| Step::Start(w, t, g, d, c)),
        10 => (select(&REPORTERS[..]), task(), claim(), any::<bool>(), request())
            .prop_map(|(w, t, c, o, r)| Step::Finish(w, t, c, o, r)),
        6 => task().prop_map(Step::Settle),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let fields = (
        select(&WINDOWS[..]),
        prop_oneof![6 => Just("prod"), 1 => Just("dev")],
        prop_oneof![6 => Just("web"), 1 => Just("api")],
        select(&["none", "none", "none", "d1"][..]),
        select(&["", "", "pool"][..]),
        select(&CREATORS[..]),
        prop_oneof![6 => Just("A"), 1 => Just("B")],
        select(&["", "r1", "r1", "r1", "r2"][..]),
        select(&["", "", "x"][..]),
    );
    fields.prop_map(
        |(window, env, project, digest, runner, creator, title, release, tenant)| Asked {
            window,
            env,
            project,
            digest,
            runner,
            creator,
            title,
            release,
            tenant,
        },
    )
}

fn eyes() -> impl Strategy<Value = Eyes> {
    let etag =
        prop_oneof![8 => Just(""), 2 => Just("seen"), 1 => Just("first"), 1 => Just("other")];
    let digest = prop_oneof![8 => Just(""), 2 => Just("own"), 1 => Just("d2")];
    (etag, digest).prop_map(|(etag, digest)| Eyes { etag, digest })
}

/// Steps to what is rare: on which tasks, and what they may lead to.
pub(crate) const RARE: [(&str, &str, &str); 20] = [
    ("PAUSED:approval", "WITHDRAWN shared", "withdraw all"),
    ("PAUSED:window", "task.bound", "settle later"),
    ("CLEARED", "task.bound", "settle later"),
    ("CLEARED", "freeze.updated", "narrow"),
    ("CLEARED", "freeze.lifted", "lift"),
    ("CLEARED", "StartNotNow:freeze", "start frozen"),
    ("CLEARED", "FreezeIdTaken", "freeze twice"),
    ("CLEARED", "FreezeNotInForce", "lift late"),
    ("absent", "NoPeriod", "create between"),
    ("absent", "CreatorRequired", "create by nobody"),
    ("absent", "PolicyRequired", "create elsewhere"),
    ("PAUSED:approval", "RequestIdReused", "one request for two"),
    ("RUNNING", "NothingCanStart", "reject"),
    ("CLEARED", "StartNotNow:stale", "start"),
    ("absent", "WindowPast", "create late"),
    ("absent", "change_request.task_joined", "create alike"),
    ("SUCCEEDED", "OutcomeDiffers", "finish otherwise"),
    ("CLEARED", "ClockBehind", "start behind"),
    (
        "CLEARED",
        "change_request.approval_lapsed",
        "start without team",
    ),
    (
        "RUNNING",
        "change_request.time_to_live_passed",
        "settle later",
    ),
];

/// The steps of a kind on a task, other ones for each number.
pub(crate) fn probe(command: &str, task: &'static str, number: usize) -> Vec<Step> {
    let start = Step::Start("run", task, Generation::Current, "own", "c1");
    match command {
        "create late" => vec![Step::Create("orc", task, alike("..0", number))],
        "create alike" => vec![Step::Create("orc", task, alike("", number))],
        "create by nobody" => {
            let creator = "none";
            let asked = Asked {
                creator,
                ..alike("", number)
            };
            vec![Step::Create("orc", task, asked)]
        }
        "create elsewhere" => {
            let asked = Asked {
                env: "dev",
                ..alike("", number)
            };
            vec![Step::Create("orc", task, asked)]
        }
        "one request for two" => {
            let eyes = Eyes {
                etag: "",
                digest: "",
            };
            vec![
                Step::Approve("ann", task, eyes, 1),
                Step::Revoke("ann", task, 1),
            ]
        }
        "start frozen" => vec![Step::MakeFreeze("f", ""), start],
        "freeze twice" => vec![Step::MakeFreeze("f", ""), Step::MakeFreeze("f", "")],
        "narrow" => vec![Step::MakeFreeze("f", ""), Step::EditFreeze("f", true)],
        "lift" => vec![Step::MakeFreeze("f", ""), Step::LiftFreeze("f")],
        "withdraw all" => {
            let withdraw = |task| Step::Withdraw("orc", task, 0);
            let all = TASKS.into_iter().map(withdraw);
            all.chain([Step::Settle(task)]).collect()
        }
        "lift late" => vec![
            Step::DropFreeze("f"),
            Step::MakeFreeze("f", "from=40 to=130"),
            Step::Wait(200),
            Step::LiftFreeze("f"),
        ],
        "create between" => vec![Step::Create("orc", task, alike("4000..4001", number))],
        "finish otherwise" => vec![Step::Finish("orc", task, "c1", false, 0)],
        "start behind" => vec![Step::ClockBack(30), start],
        "start without team" => vec![Step::EditTeam("dev", ""), start],
        "settle later" => vec![Step::Wait(60), Step::Settle(task)],
        command => vec![ordinary(command, task, number)],
    }
}

fn alike(window: &'static str, number: usize) -> Asked {
    Asked {
        window,
        env: "prod",
        project: "web",
        digest: "none",
        runner: "",
        creator: CREATORS[number % CREATORS.len()],
        title: "C",
        release: "r1",
        tenant: "",
    }
}

fn ordinary(command: &str, task: &'static str, number: usize) -> Step {
    let decider = DECIDERS[number % DECIDERS.len()];
    let eyes = Eyes {
        etag: ["", "seen", "first"][number % 3],
        digest: "",
    };
    let generation =
        [Generation::Current, Generation::Older][usize::from(number.is_multiple_of(5))];
    let (runner, reporter) = (number % RUNNERS.len(), number % REPORTERS.len());
    match command {
        "create" => Step::Create("orc", task, alike("", number)),
        "repeat" => Step::Again("orc", task),
        "approve" => Step::Approve(decider, task, eyes, 0),
        "reject" => Step::Reject(decider, task, eyes, 0),
        "revoke" => Step::Revoke(decider, task, 0),
        "withdraw" => Step::Withdraw(WITHDRAWERS[number % WITHDRAWERS.len()], task, 0),
        "start" => Step::Start(RUNNERS[runner], task, generation, "own", "c1"),
        "finish" => Step::Finish(REPORTERS[reporter], task, "c1", number.is_multiple_of(2), 0),
        _ => Step::Settle(task),
    }
}

/// Any step on policies and teams.
fn directory() -> impl Strategy<Value = Step> {
    let policy = || select(&["p", "p", "q"][..]);
    let team = || select(&["dev", "dev", "open"][..]);
    let members = || select(&["", "ann", "cat", "cat,sam", "bob,carl"][..]);
    prop_oneof![
        4 => (policy(), draft()).prop_map(|(id, draft)| Step::MakePolicy(id, draft)),
        2 => (policy(), draft()).prop_map(|(id, draft)| Step::EditPolicy(id, draft)),
        2 => policy().prop_map(Step::DropPolicy),
        3 => (team(), members(), any::<bool>()).prop_map(|(id, m, c)| Step::MakeTeam(id, m, c)),
        5 => (team(), members()).prop_map(|(id, m)| Step::EditTeam(id, m)),
        2 => team().prop_map(Step::DropTeam),
    ]
}

/// Any step on freezes.
fn freezes() -> impl Strategy<Value = Step> {
    let freeze = || select(&["f", "f", "g"][..]);
    let what = select(&["", "from=40 to=130", "from=100", FROZEN][..]);
    prop_oneof![
        4 => (freeze(), what).prop_map(|(id, what)| Step::MakeFreeze(id, what)),
        3 => (freeze(), any::<bool>()).prop_map(|(id, all)| Step::EditFreeze(id, all)),
        5 => freeze().prop_map(Step::LiftFreeze),
        4 => freeze().prop_map(Step::DropFreeze),
        6 => freeze().prop_map(Step::Sweep),
    ]
}

fn draft() -> impl Strategy<Value = Draft> {
    let users = select(&["ann,bob", "ann,bob", "ann,bob,cat", "carl,svc,cat", ""][..]);
    let teams = select(&["", "dev", "dev", "open", "dev,open"][..]);
    let min = prop_oneof![4 => Just(1usize), 2 => Just(2), 1 => Just(3)];
    let block = any::<bool>();
    let disabled = prop_oneof![6 => Just(false), 1 => Just(true)];
    let windows = select(&["", "", "", EVERY, "20..90;150..260", "0..400"][..]);
    let close = select(&["", "hold", "hold", "terminate"][..]);
    let times = (windows, close, prop::bool::weighted(0.2));
    let whole = (users, teams, min, block, disabled, terms(), times);
    whole.prop_map(|(users, teams, min, block, disabled, terms, times)| {
        let (windows, close, alone) = times;
        let close = if windows.is_empty() { "" } else { close };
        let asks = Draft {
            users,
            teams,
            min,
            block,
            disabled,
            terms,
            windows,
            close,
        };
        match alone && !windows.is_empty() {
            true => only_windows(asks),
            false => asks,
        }
    })
}

/// Nobody has to approve, so nothing grows too old.
fn only_windows(draft: Draft) -> Draft {
    Draft {
        users: "",
        teams: "",
        min: 0,
        terms: Terms {
            attl: 0,
            ettl: 0,
            ..draft.terms
        },
        ..draft
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let own = prop::bool::weighted(0.3);
    let share = select(&["", "", "release", "release", "tenant", "task"][..]);
    let recheck = prop::bool::weighted(0.5);
    let attl = select(&[0i64, 0, 0, 20, 50][..]);
    let ettl = select(&[0i64, 0, 0, 12, 30][..]);
    let age = select(&[0i64, 0, 0, 0, 0, 25][..]);
    (own, share, recheck, attl, ettl, age).prop_map(|(own, share, recheck, attl, ettl, age)| {
        Terms {
            own,
            share,
            recheck,
            attl,
            ettl,
            age,
        }
    })
}
