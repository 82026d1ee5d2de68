//! What the audience sees: numbered scenes, and who says what. Colours only on a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

/// How wide what somebody types may be.
const TYPED_COLUMNS: usize = 84;

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

    /// What somebody types, in lines that fit.
    pub(crate) fn types(&self, call: &str) -> anyhow::Result<()> {
        let mut line = String::new();
        for word in call.split_whitespace() {
            // A shell would take a bare star for the files of the folder.
            let word = if word == "*" { "'*'" } else { word };
            let full = line.chars().count() + word.chars().count() > TYPED_COLUMNS;
            if full && word.starts_with("--") {
                self.typed(&format!("{line} \\"))?;
                line = format!("    {word}");
            } else {
                let space = if line.is_empty() { "" } else { " " };
                line = format!("{line}{space}{word}");
            }
        }
        self.typed(&line)
    }

    fn typed(&self, line: &str) -> anyhow::Result<()> {
        self.line(&format!("  {:>12}  {}", "", self.paint("2", line)))
    }

    /// Calls for those who want to go on by hand.
    pub(crate) fn calls_to_try(&self, address: &str, folder: &Path) -> anyhow::Result<()> {
        let bearer = |who: &str| {
            let file = folder.join(format!("{who}.token"));
            format!("-H \"authorization: Bearer $(cat {})\"", file.display())
        };
        let (alice, ci) = (bearer("alice"), bearer("ci"));
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
