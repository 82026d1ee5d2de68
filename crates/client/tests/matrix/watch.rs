//! What a watch tells while its stream is lost, late, forged or resumed.

use std::sync::Arc;
use std::time::Duration;

use countersign_client::{Connection, Event, LogEntries, LogStart, Over, Signals, Statuses};
use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::*;
use tonic::{Code, Status};

use crate::cell::{block_on, serve};
use crate::pipe::{Counts, connection};
use crate::script::{Script, Session, Step};
use crate::world::{HEARTBEAT, World, refusal};

/// Three heartbeats.
const PATIENCE: Duration = Duration::from_secs(6);
const FOR_EVER: Duration = Duration::from_secs(86_400);
/// A stream that has not ended by then goes on: it was opened again many times.
const LONG_ENOUGH: Duration = Duration::from_secs(300);

/// Runs a test against a world that plays.
fn against<T>(world: &World, test: impl AsyncFnOnce(Connection) -> T) -> T {
    block_on(async {
        let (connection, incoming) = connection(None, Arc::new(Counts::default()));
        let server = tokio::spawn(serve(world.clone(), incoming));
        let result = test(connection).await;
        server.abort();
        result
    })
}

fn signals(sessions: Vec<Result<Session<WatchSignalsResponse>, Status>>) -> World {
    let world = World::new(None);
    world.memory().scripts.signals = Script::new(sessions);
    world
}

fn mark(kind: MarkKind, token: &str) -> Option<Mark> {
    let heartbeat_interval_ms = u32::try_from(HEARTBEAT.as_millis()).unwrap();
    Some(Mark {
        kind: kind.into(),
        resume_token: token.to_owned(),
        heartbeat_interval_ms,
        ..Mark::default()
    })
}

/// A signal of a task, with this sequence.
fn signal(task_id: &str, sequence: u64) -> Step<WatchSignalsResponse> {
    let signals = vec![TaskSignal {
        task_id: task_id.to_owned(),
        sequence,
        ..TaskSignal::default()
    }];
    let mark = None;
    Step::Send(WatchSignalsResponse { signals, mark })
}

fn marked(kind: MarkKind, token: &str) -> Step<WatchSignalsResponse> {
    Step::Send(WatchSignalsResponse {
        signals: Vec::new(),
        mark: mark(kind, token),
    })
}

fn synced(token: &str) -> Step<WatchSignalsResponse> {
    marked(MarkKind::Synced, token)
}

fn cut<M>() -> Step<M> {
    Step::Fail(Status::unavailable("cut"))
}

/// The next event in short; signals by their sequences.
async fn next(signals: &mut Signals) -> String {
    match signals.next().await {
        Ok(Event::News(news)) => {
            let sequences: Vec<u64> = news.iter().map(|signal| signal.sequence).collect();
            format!("news {sequences:?}")
        }
        Ok(Event::Synced) => "synced".to_owned(),
        Ok(Event::Lost(status)) => format!("lost {:?}", status.code()),
        Ok(Event::Anew(_)) => "anew".to_owned(),
        Err(Over::Done) => "done".to_owned(),
        Err(Over::Refused(status)) => format!("refused {:?}", status.code()),
    }
}

async fn expect(signals: &mut Signals, events: &[&str]) {
    for expected in events {
        assert_eq!(next(signals).await, *expected);
    }
}

fn tokens(world: &World) -> Vec<String> {
    let memory = world.memory();
    let asked = &memory.scripts.signals.as_ref().unwrap().asked;
    asked
        .iter()
        .map(|request| request.resume_token.clone())
        .collect()
}

#[test]
fn a_stream_goes_on_behind_the_newest_mark() {
    let world = signals(vec![
        Ok(vec![signal("a", 1), cut()]),
        Ok(vec![signal("a", 1), synced("t1"), signal("a", 2), cut()]),
        Ok(vec![
            signal("a", 2),
            marked(MarkKind::Heartbeat, "t2"),
            cut(),
        ]),
        Ok(vec![Step::Wait(FOR_EVER)]),
    ]);
    against(&world, async |connection| {
        let mut signals = Signals::new(connection, Vec::new());
        let rounds = ["lost Unavailable", "news [2]", "synced", "lost Unavailable"];
        // Whoever looks late is told the loss first, and the newest of what was told.
        tokio::time::sleep(Duration::from_secs(1)).await;
        expect(&mut signals, &rounds[..2]).await;
        assert!(!signals.is_synced());
    });
    assert_eq!(tokens(&world), ["", "", "t1", "t2"]);
}

#[test]
fn three_missing_heartbeats_are_a_loss_and_the_consumer_is_told() {
    let live = Ok(vec![signal("a", 1), synced("t1"), Step::Wait(FOR_EVER)]);
    let world = signals(vec![live, Ok(vec![synced("t2"), Step::Wait(FOR_EVER)])]);
    against(&world, async |connection| {
        let mut signals = Signals::new(connection, Vec::new());
        expect(&mut signals, &["news [1]", "synced"]).await;
        let almost = PATIENCE - Duration::from_millis(10);
        let quiet = tokio::time::timeout(almost, signals.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        assert!(signals.is_synced());
        let lost = tokio::time::timeout(Duration::from_millis(20), next(&mut signals));
        assert_eq!(lost.await.unwrap(), "lost DeadlineExceeded");
        assert!(!signals.is_synced());
        expect(&mut signals, &["synced"]).await;
    });
}

#[test]
fn a_slow_consumer_makes_no_live_stream_look_dead() {
    let mut session = vec![signal("a", 1), synced("t0")];
    for beat in 0..30 {
        session.push(Step::Wait(HEARTBEAT));
        session.push(signal("a", 2 + beat));
        session.push(marked(MarkKind::Heartbeat, "t"));
    }
    session.push(Step::Wait(FOR_EVER));
    let world = signals(vec![Ok(session)]);
    against(&world, async |connection| {
        let mut signals = Signals::new(connection, Vec::new());
        expect(&mut signals, &["news [1]", "synced"]).await;
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert!(signals.is_synced());
        // Levels: the newest of thirty, and no loss.
        expect(&mut signals, &["news [30]"]).await;
    });
    assert_eq!(tokens(&world), [""]);
}

#[test]
fn a_slow_consumer_makes_no_dead_stream_look_live() {
    let dead = Ok(vec![
        signal("a", 1),
        synced("t1"),
        signal("a", 2),
        Step::Wait(FOR_EVER),
    ]);
    let world = signals(vec![dead]);
    against(&world, async |connection| {
        let mut signals = Signals::new(connection, Vec::new());
        tokio::time::sleep(PATIENCE * 5).await;
        assert!(!signals.is_synced());
        expect(&mut signals, &["lost DeadlineExceeded", "news [2]"]).await;
        // No mark: what came from the dead stream is not said to be complete.
        let more = tokio::time::timeout(PATIENCE, signals.next()).await;
        assert!(more.is_err(), "{more:?}");
    });
}

#[test]
fn messages_that_say_nothing_are_no_heartbeats() {
    let empty = || Step::Send(WatchSignalsResponse::default());
    let unknown = || {
        let mut mark = mark(MarkKind::Heartbeat, "forged");
        mark.as_mut().unwrap().kind = 99;
        let signals = Vec::new();
        Step::Send(WatchSignalsResponse { signals, mark })
    };
    let mut session = vec![synced("t1")];
    for _ in 0..20 {
        session.extend([Step::Wait(Duration::from_secs(1)), empty(), unknown()]);
    }
    let world = signals(vec![Ok(session)]);
    against(&world, async |connection| {
        let mut signals = Signals::new(connection, Vec::new());
        expect(&mut signals, &["synced"]).await;
        let lost = tokio::time::timeout(PATIENCE * 2, next(&mut signals));
        assert_eq!(lost.await.unwrap(), "lost DeadlineExceeded");
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    assert!(tokens(&world)[1..].iter().all(|token| token == "t1"));
}

#[test]
fn another_store_is_told_and_begun_anew() {
    for reason in [
        ErrorReason::ResumeTokenMalformed,
        ErrorReason::ResumeTokenOfAnotherStore,
    ] {
        let world = signals(vec![
            Ok(vec![signal("a", 9), synced("t9"), signal("b", 10), cut()]),
            Err(refusal(Code::InvalidArgument, reason)),
            Ok(vec![signal("a", 1), synced("t1"), Step::Wait(FOR_EVER)]),
        ]);
        against(&world, async |connection| {
            let mut signals = Signals::new(connection, Vec::new());
            tokio::time::sleep(Duration::from_secs(1)).await;
            // What the other store told and nobody has taken yet is not told any more.
            let events = ["lost Unavailable", "anew", "news [1]", "synced"];
            expect(&mut signals, &events).await;
        });
        assert_eq!(tokens(&world), ["", "t9", ""]);
    }
}

#[test]
fn a_refusal_is_final_and_stays() {
    let world = signals(vec![Err(refusal(Code::NotFound, ErrorReason::NotFound))]);
    against(&world, async |connection| {
        let mut signals = Signals::new(connection, Vec::new());
        expect(&mut signals, &["refused NotFound", "refused NotFound"]).await;
    });
    assert_eq!(tokens(&world).len(), 1);
}

#[test]
fn a_server_that_cuts_at_once_is_not_stormed() {
    let session = || Ok(vec![synced("t"), cut()]);
    let world = signals((0..1_000).map(|_| session()).collect());
    against(&world, async |connection| {
        let _signals = Signals::new(connection, Vec::new());
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    let opened = tokens(&world).len();
    assert!((30..=70).contains(&opened), "{opened}");
}

#[test]
fn a_status_watch_ends_when_all_is_told_and_only_then() {
    let told = |id: &str| {
        let change_requests = vec![ChangeRequest {
            id: id.to_owned(),
            ..ChangeRequest::default()
        }];
        let mark = mark(MarkKind::Synced, "t");
        Step::Send(WatchStatusResponse {
            change_requests,
            mark,
        })
    };
    for end_when_done in [true, false] {
        let world = World::new(None);
        let sessions = vec![Ok(vec![told("CR-1"), cut()]), Ok(vec![told("CR-1")])];
        world.memory().scripts.status = Script::new(sessions);
        let request = WatchStatusRequest {
            change_requests: vec!["CR-1".to_owned()],
            end_when_done,
            ..WatchStatusRequest::default()
        };
        let (over, losses) = against(&world, async |connection| {
            let mut statuses = Statuses::new(connection, request);
            let mut losses = 0;
            loop {
                match tokio::time::timeout(LONG_ENOUGH, statuses.next()).await {
                    Ok(Ok(Event::Lost(_))) => losses += 1,
                    Ok(Ok(Event::News(_) | Event::Synced | Event::Anew(_))) => {}
                    Ok(Err(over)) => return (Some(over), losses),
                    Err(_) => return (None, losses),
                }
            }
        });
        assert_eq!(matches!(over, Some(Over::Done)), end_when_done);
        assert_eq!(losses, if end_when_done { 1 } else { 2 });
        let memory = world.memory();
        let asked = &memory.scripts.status.as_ref().unwrap().asked;
        assert_eq!(asked[1].resume_token, "t");
    }
}

fn entries(sequences: &[u64], token: Option<&str>) -> Step<WatchLogResponse> {
    let entry = |sequence: &u64| LogEntry {
        sequence: *sequence,
        hash: format!("h{sequence}"),
        previous_hash: format!("h{}", sequence - 1),
        ..LogEntry::default()
    };
    Step::Send(WatchLogResponse {
        entries: sequences.iter().map(entry).collect(),
        mark: token.and_then(|token| mark(MarkKind::Heartbeat, token)),
    })
}

/// Follows a log that is played until `count` entries were told.
fn followed(world: &World, count: usize, slowly: bool) -> Vec<u64> {
    against(world, async |connection| {
        let mut log = LogEntries::new(connection, LogStart::Beginning);
        let mut told = Vec::new();
        while told.len() < count {
            if slowly {
                tokio::time::sleep(PATIENCE * 5).await;
            }
            if let Event::News(news) = log.next().await.expect("the log goes on") {
                told.extend(news.iter().map(|entry| entry.sequence));
            }
        }
        told
    })
}

#[test]
fn i41_a_log_that_was_cut_is_told_once_and_in_order() {
    let world = World::new(None);
    world.memory().scripts.log = Script::new(vec![
        Ok(vec![entries(&[1, 2], None), cut()]),
        Ok(vec![
            entries(&[3], Some("t3")),
            entries(&[4, 5], None),
            cut(),
        ]),
        // From the mark: 4 and 5 come again. Then a gap, which is no continuation.
        Ok(vec![entries(&[4, 5, 6], None), entries(&[8], Some("t8"))]),
        Ok(vec![
            entries(&[4, 5, 6, 7], Some("t7")),
            entries(&[8], None),
            Step::Wait(FOR_EVER),
        ]),
    ]);
    assert_eq!(followed(&world, 8, false), [1, 2, 3, 4, 5, 6, 7, 8]);
    let memory = world.memory();
    let asked = &memory.scripts.log.as_ref().unwrap().asked;
    let asked: Vec<Start> = asked.iter().filter_map(|it| it.start.clone()).collect();
    let token = Start::ResumeToken("t3".to_owned());
    let expected = [
        Start::FromNow(false),
        Start::FromSequence(3),
        token.clone(),
        token,
    ];
    assert_eq!(asked, expected);
}

#[test]
fn i41_a_slow_reader_of_the_log_misses_nothing() {
    let count = 20_000;
    let world = World::new(None);
    let all: Vec<u64> = (1..=count).collect();
    let mut session: Session<_> = all.chunks(100).map(|chunk| entries(chunk, None)).collect();
    for _ in 0..1_000 {
        session.extend([Step::Wait(HEARTBEAT), entries(&[], Some("t"))]);
    }
    world.memory().scripts.log = Script::new(vec![Ok(session)]);
    assert_eq!(followed(&world, all.len(), true), all);
    let memory = world.memory();
    assert_eq!(memory.scripts.log.as_ref().unwrap().asked.len(), 1);
}
