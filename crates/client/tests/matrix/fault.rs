//! What can be broken.

use countersign_proto::v1::{
    CreateChangeRequestResponse, FinishTaskResponse, StartTaskResponse, WatchSignalsResponse,
};
use tonic::Code;

/// A call that the gate makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rpc {
    Create,
    Watch,
    Start,
    Finish,
}

impl Rpc {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Watch, Self::Start, Self::Finish];

    pub(crate) fn of(path: &str) -> Option<Self> {
        let (_, method) = path.rsplit_once('/')?;
        match method {
            "CreateChangeRequest" => Some(Self::Create),
            "WatchSignals" => Some(Self::Watch),
            "StartTask" => Some(Self::Start),
            "FinishTask" => Some(Self::Finish),
            _ => None,
        }
    }
}

/// How often it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Once,
    Always,
}

impl Times {
    pub(crate) const BOTH: [Self; 2] = [Self::Once, Self::Always];
}

/// What is broken in one call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The answer is this code, without a reason; the call had its effect, or not.
    Code { code: Code, effect: bool },
    /// No answer comes; the call had its effect, or not.
    Withheld { effect: bool },
    /// The answer says something else.
    Spoilt(Spoil),
    /// The stream is broken at this message.
    At(usize, Broken),
    /// What carries the answer is broken.
    Wire(Wire),
}

/// How an answer is changed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spoil {
    Create(fn(&mut CreateChangeRequestResponse)),
    /// Each message of the stream.
    Signals(fn(&mut WatchSignalsResponse)),
    Start(fn(&mut StartTaskResponse)),
    Finish(fn(&mut FinishTaskResponse)),
}

/// How a stream is broken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Broken {
    Code(Code),
    /// It ends as if all was told.
    Ended,
    /// Nothing comes any more.
    Silent,
}

/// How what carries an answer is broken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wire {
    /// Something in between answers with this HTTP status and a page.
    Page(u16),
    /// The same without a page.
    Bare(u16),
    /// The status is OK, and there is no message.
    NoMessage,
    /// After so many data frames the body breaks off.
    Cut(usize, Cut),
    /// The status at the end is this text.
    Status(&'static str),
    /// The message is this instead.
    Message(&'static [u8]),
}

/// How a body breaks off.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// The stream of HTTP/2 is reset.
    Reset,
    /// It ends, and no status follows.
    NoStatus,
    /// Half of the next frame, and then the status OK.
    Half,
    /// Half of the next frame, and then a reset.
    HalfReset,
    /// Silence.
    Silent,
}

impl Cut {
    pub(crate) const ALL: [Self; 5] = [
        Self::Reset,
        Self::NoStatus,
        Self::Half,
        Self::HalfReset,
        Self::Silent,
    ];
}
