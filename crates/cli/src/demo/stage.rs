//! What the audience sees: numbered scenes, and who says what. Colours only on a terminal.

use std::io::{IsTerminal as _, Write as _};

/// Where the story is told.
pub(crate) struct Stage {
    coloured: bool,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { coloured }
    }

    /// A new scene.
    pub(crate) fn scene(&self, number: u32, title: &str) -> anyhow::Result<()> {
        self.line(&format!(
            "\n{}",
            self.paint("1", &format!("{number}. {title}"))
        ))
    }

    /// What somebody does, and what comes of it.
    pub(crate) fn says(&self, who: &str, what: &str) -> anyhow::Result<()> {
        let who = self.paint(colour(who), &format!("{who:>12}"));
        self.line(&format!("  {who}  {what}"))
    }

    /// What the gate answers.
    pub(crate) fn answers(&self, what: &str) -> anyhow::Result<()> {
        self.line(&format!("  {:>12}  {}", "→", self.paint("2", what)))
    }

    /// Calls for those who want to go on by hand.
    pub(crate) fn calls_to_try(&self, address: &str) -> anyhow::Result<()> {
        let alice = "-H 'authorization: Bearer alice'";
        let ci = "-H 'authorization: Bearer orchestrator:ci'";
        let service = format!("{address} countersign.v1.ChangeRequestService");
        self.line(&format!(
            "\nThe server stays up at {address}. Try, from another shell:\n\n  \
             grpcurl -plaintext {address} list\n  \
             grpcurl -plaintext {alice} {service}/ListChangeRequests\n  \
             grpcurl -plaintext {ci} -d '{{\"task\":{{\"id\":\"try-1\",\"kind\":\
             \"TASK_KIND_DEPLOYMENT\",\"project\":\"web\",\"environment\":\"production\",\
             \"creator\":{{\"person\":{{\"subject\":\"carol\"}}}}}}}}' \
             {service}/CreateChangeRequest\n  \
             grpcurl -plaintext {alice} -d '{{\"change_request\":\"try-1\"}}' {service}/Approve\n  \
             grpcurl -plaintext {alice} -d '{{\"policy_id\":\"web-hours\"}}' {address} \
             countersign.v1.PolicyService/PreviewSchedule\n\n\
             Stop it with Ctrl-C."
        ))
    }

    fn line(&self, text: &str) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{text}")?;
        Ok(())
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.coloured {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn colour(who: &str) -> &'static str {
    match who {
        "orchestrator" => "34",
        "runner" => "35",
        "server" => "31",
        _ => "32",
    }
}
