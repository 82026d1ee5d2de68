//! `countersign whoami`: tells who a credential makes its bearer.

use clap::Args;
use countersign_proto::v1::{WhoAmIRequest, WhoAmIResponse};

use crate::json::json;
use crate::output::{self, Output};
use crate::remote::{Caller, refused};
use crate::token::{instant, kind, or_dash, person, role, table, text_or_dash};

/// Options of `whoami`.
#[derive(Debug, Args)]
pub(crate) struct WhoAmI {
    /// The server to ask, for example http://127.0.0.1:7733.
    #[arg(long, value_name = "URL")]
    address: String,
    #[command(flatten)]
    caller: Caller,
    /// How the answer is shown.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Asks a server, and prints what it says.
pub(crate) async fn run(arguments: WhoAmI) -> anyhow::Result<()> {
    let connection = arguments.caller.connection(&arguments.address)?;
    let answer = connection.access().who_am_i(WhoAmIRequest {}).await;
    let found = answer.map_err(refused)?.into_inner();
    if let Output::Json = arguments.output {
        let found = json("WhoAmIResponse", &found)?;
        return output::line(&serde_json::to_string_pretty(&found)?);
    }
    let rows = rows(&found).map(|(name, value)| vec![name.to_owned(), value]);
    table(&rows).iter().try_for_each(|line| output::line(line))
}

fn rows(found: &WhoAmIResponse) -> [(&'static str, String); 11] {
    let roles: Vec<String> = found.roles.iter().map(|&it| role(it)).collect();
    let credential = found.credential.as_ref();
    let named = credential.map_or(String::new(), |it| format!("{} {}", it.kind, it.id));
    let login = credential.and_then(|it| it.auth_time.as_ref());
    let decides = if found.may_decide {
        "where a policy names the subject".to_owned()
    } else {
        format!("never: only people of {} do", found.people_issuer)
    };
    [
        ("subject", person(found.person.as_ref())),
        ("name", text_or_dash(&found.display_name)),
        ("kind", kind(found.kind)),
        ("roles", or_dash(&roles)),
        ("teams", or_dash(&found.teams)),
        ("runner", text_or_dash(&found.runner)),
        ("projects", or_dash(&found.projects)),
        ("environments", or_dash(&found.environments)),
        (
            "credential",
            format!("{named}, expires {}", instant(found.expires_at.as_ref())),
        ),
        ("login", instant(login)),
        ("decides", decides),
    ]
}
