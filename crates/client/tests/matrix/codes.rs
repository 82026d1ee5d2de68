//! Each call answers with each code, with and without its effect; or not in time.

use tonic::Code;

use crate::cell::{Cell, broken};
use crate::fault::{Broken, Fault, Rpc, Times};

/// Codes with which the gate refuses for good; all others leave the outcome in doubt.
const REFUSALS: [i32; 8] = [3, 5, 6, 7, 9, 10, 12, 16];
/// Those that a watch takes as final; the others are overcome by opening it again.
const FINAL_FOR_WATCHES: [i32; 5] = [3, 5, 7, 12, 16];
/// In a stream: before HOLD, before `synced`, before a heartbeat, before PROCEED, right after it.
const PLACES: usize = 5;

fn codes() -> impl Iterator<Item = Code> {
    (1..=16).map(Code::from_i32)
}

#[test]
fn p8_each_call_answers_with_each_code() {
    let mut cells = 0;
    for rpc in Rpc::ALL {
        for code in codes() {
            for effect in [false, true] {
                for times in Times::BOTH {
                    let fault = Fault::Code { code, effect };
                    let cell = broken("code", rpc, fault, times);
                    expect(&cell, rpc, times, is_final(rpc, code));
                    cells += 1;
                }
            }
        }
    }
    println!("{cells} cells: 4 calls x 16 codes x with and without effect x once and always");
    assert_eq!(cells, 256);
}

#[test]
fn p8_each_call_is_not_answered_in_time() {
    let mut cells = 0;
    for rpc in Rpc::ALL {
        for effect in [false, true] {
            for times in Times::BOTH {
                let cell = broken("late", rpc, Fault::Withheld { effect }, times);
                expect(&cell, rpc, times, false);
                cells += 1;
            }
        }
    }
    println!("{cells} cells: 4 calls x with and without effect x once and always");
    assert_eq!(cells, 16);
}

#[test]
fn p8_the_signals_break_off_at_each_message() {
    let mut cells = 0;
    let breaks = codes().map(Broken::Code);
    let breaks: Vec<Broken> = breaks.chain([Broken::Ended, Broken::Silent]).collect();
    for place in 0..PLACES {
        for how in &breaks {
            for times in Times::BOTH {
                let cell = broken("stream", Rpc::Watch, Fault::At(place, *how), times);
                let code = match how {
                    Broken::Code(code) => Some(*code),
                    Broken::Ended | Broken::Silent => None,
                };
                stream_expects(&cell, place, code, times);
                cells += 1;
            }
        }
    }
    println!("{cells} cells: 5 places x 18 ends x once and always");
    assert_eq!(cells, 180);
}

fn is_final(rpc: Rpc, code: Code) -> bool {
    let number = code as i32;
    match rpc {
        Rpc::Watch => FINAL_FOR_WATCHES.contains(&number),
        Rpc::Create | Rpc::Start | Rpc::Finish => REFUSALS.contains(&number),
    }
}

/// What is broken once is overcome, unless it was a refusal; what is always broken never opens.
fn expect(cell: &Cell, rpc: Rpc, times: Times, refused: bool) {
    let good = times == Times::Once && !refused;
    if rpc == Rpc::Finish {
        assert!(cell.is_granted(), "{cell:?}");
        assert_eq!(cell.finished, Some(good), "{cell:?}");
    } else {
        assert_eq!(cell.is_granted(), good, "{cell:?}");
    }
}

/// A stream that breaks off once is opened again, unless the server refuses it. One that always
/// breaks off before it is complete never opens the gate; later, whoever was faster wins.
fn stream_expects(cell: &Cell, place: usize, code: Option<Code>, times: Times) {
    let number = code.map_or(0, |code| code as i32);
    // With a token from a mark, this only says that the token is not known any more.
    let begins_anew = place >= 2 && number == 3;
    let refused = FINAL_FOR_WATCHES.contains(&number) && !begins_anew;
    match times {
        Times::Once if !refused => assert!(cell.is_granted(), "{cell:?}"),
        Times::Once if place < 4 => assert!(!cell.is_granted(), "{cell:?}"),
        Times::Always if place < 2 => assert!(!cell.is_granted(), "{cell:?}"),
        Times::Once | Times::Always => {}
    }
}
