//! Measuring, by hand.
use std::time::{Duration, Instant};
use countersign_domain::batch::{Command, Context, Settings, Wanted, WorkingSet, run};
use countersign_domain::ids::CrNumber;
use crate::gate::Gate;
use crate::place::{Place, on_both};
use crate::sample::{approve, create, create_policy, policy, start, task, finish};

#[derive(Default)]
struct Spent([Duration; 6], u32);

async fn timed(gate: &mut Gate, commands: &[Command], spent: &mut Spent) {
    let mut marks = vec![Instant::now()];
    let mut transaction = gate.writer.begin().await.unwrap();
    marks.push(Instant::now());
    let (_, head) = transaction.clock_and_head().await.unwrap();
    let head = head.unwrap();
    marks.push(Instant::now());
    let loaded = transaction.load(&Wanted::by(commands.iter())).await.unwrap();
    marks.push(Instant::now());
    let mut set = WorkingSet::new(head, loaded.cases);
    set.requests.extend(loaded.requests);
    let settings = Settings { require_policy: false };
    let context = Context { now: gate.now.max(head.instant), clock: gate.now, directory: &gate.directory, settings: &settings };
    let outcome = run(set, commands, context);
    marks.push(Instant::now());
    transaction.save(&outcome.entries, &outcome.changes).await.unwrap();
    marks.push(Instant::now());
    transaction.commit().await.unwrap();
    marks.push(Instant::now());
    for i in 0..6 { spent.0[i] += marks[i+1]-marks[i]; }
    spent.1 += 1;
}

fn show(what: &str, spent: &Spent) {
    let us: Vec<u128> = spent.0.iter().map(|d| d.as_micros()/u128::from(spent.1)).collect();
    println!("{what:24} begin+lock {:6} head {:6} load {:6} run {:6} save {:6} commit {:6}  total {:7} us", us[0],us[1],us[2],us[3],us[4],us[5], us.iter().sum::<u128>());
}

on_both!(measure);
async fn measure(place: Place) {
    if std::env::var("MEASURE").is_err() { return; }
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_policy(policy("four-eyes", "production", &["alice"], &[]))]).await;
    for size in [128_u64, 16, 1] {
        let (mut c, mut a, mut s, mut f) = (Spent::default(), Spent::default(), Spent::default(), Spent::default());
        for round in 0..40_u64 {
            let ids: Vec<String> = (0..size).map(|n| format!("task-{size}-{round}-{n}")).collect();
            let given = gate.head().await.change_requests_given;
            let commands: Vec<_> = ids.iter().map(|id| create(&gate.directory, task(id))).collect();
            timed(&mut gate, &commands, &mut c).await;
            let commands: Vec<_> = (1..=size).map(|n| approve("alice", CrNumber(given+n))).collect();
            timed(&mut gate, &commands, &mut a).await;
            let commands: Vec<_> = ids.iter().map(|id| start(id)).collect();
            timed(&mut gate, &commands, &mut s).await;
            let commands: Vec<_> = ids.iter().map(|id| finish(id)).collect();
            timed(&mut gate, &commands, &mut f).await;
        }
        show(&format!("create {size}"), &c); show(&format!("approve {size}"), &a); show(&format!("start {size}"), &s); show(&format!("finish {size}"), &f);
    }
    let t = Instant::now();
    let report = gate.store.verify(None).await.unwrap();
    println!("verify {} entries {:?}", report.entries, t.elapsed());
}
