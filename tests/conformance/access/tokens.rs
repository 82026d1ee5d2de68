//! Tokens are made, shown, listed and revoked.

use countersign_proto::v1::{
    ListTokensRequest, ListTokensResponse, PrincipalKind, RevokeTokenRequest, Role, Token,
};
use tonic::Code;

use crate::gate::{Caller, Expect, Gate, Setup, TokenSpec, person, secret};

/// The ids of a page.
fn ids(page: &ListTokensResponse) -> Vec<&str> {
    page.tokens.iter().map(|token| token.id.as_str()).collect()
}

fn page(page_size: u32, page_token: &str, live: bool) -> ListTokensRequest {
    ListTokensRequest {
        page_size,
        page_token: page_token.to_owned(),
        live,
    }
}

/// All ids, in pages of two.
async fn in_pages(caller: &Caller, live: bool) -> Vec<String> {
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let found = caller.list_tokens(page(2, &next, live)).await.granted();
        assert!(found.tokens.len() <= 2);
        all.extend(ids(&found).into_iter().map(str::to_owned));
        if found.next_page_token.is_empty() {
            return all;
        }
        assert_eq!(found.tokens.len(), 2, "a page that others follow is full");
        next = found.next_page_token;
    }
}

/// Everything that can be said of a token.
fn full(gate: &Gate) -> Token {
    Token {
        description: "For the nightly run.\nAsk ops.".to_owned(),
        person: Some(person("nightly")),
        teams: vec!["release".to_owned(), "ops".to_owned()],
        runner: "web-1".to_owned(),
        projects: vec!["web".to_owned(), "api".to_owned()],
        environments: vec!["production".to_owned()],
        ..gate.token_of_service("nightly-2027", &[Role::Runner, Role::Orchestrator])
    }
}

on_both_stores! {
    async fn a_token_lets_in_at_once_and_its_text_is_shown_once(gate) {
        let admin = gate.access_admin();
        let made = admin.create_token(gate.token_of("laptop", "alice")).await.granted();
        assert!(made.secret.starts_with("csn_") && made.secret.len() == 68, "{}", made.secret);
        let alice = gate.as_(&made.secret);
        let me = alice.who_am_i().await.granted();
        assert_eq!(me.person.unwrap().subject, "alice");
        assert_eq!(me.credential.unwrap().id, "laptop");
        let kept = made.token.unwrap();
        assert_eq!(admin.get_token("laptop").await.granted(), kept);
        let listed = admin.list_tokens(ListTokensRequest::default()).await.granted();
        assert_eq!(listed.tokens, std::slice::from_ref(&kept));
        let revoked = admin.revoke_token("laptop").await.granted();
        for shown in [format!("{kept:?}"), format!("{listed:?}"), format!("{revoked:?}")] {
            assert!(!shown.contains(&made.secret[4..]), "{shown}");
        }
        let other = admin.create_token(gate.token_of("phone", "alice")).await.granted();
        assert_ne!(other.secret, made.secret);
    }

    async fn a_token_is_kept_as_it_was_asked_for(gate) {
        let asked = full(gate);
        let made = gate.access_admin().create_token(asked.clone()).await.granted();
        let kept = made.token.unwrap();
        let ada = Some(countersign_proto::v1::Person {
            issuer: "local".to_owned(),
            ..person("access:ada")
        });
        let expected = Token {
            person: Some(countersign_proto::v1::Person {
                issuer: "local".to_owned(),
                ..person("nightly")
            }),
            roles: vec![Role::Orchestrator.into(), Role::Runner.into()],
            teams: vec!["ops".to_owned(), "release".to_owned()],
            projects: vec!["api".to_owned(), "web".to_owned()],
            created_at: gate.at(0),
            created_by: ada.clone(),
            ..asked
        };
        assert_eq!(kept, expected);
        gate.pass(5).await;
        let revocation = RevokeTokenRequest {
            token_id: "nightly-2027".to_owned(),
            comment: "The run is no more.".to_owned(),
        };
        let revoked = gate.access_admin().revoke_token_with(revocation).await.granted();
        let expected = Token {
            revoked_at: gate.at(0),
            revoked_by: ada,
            revocation_comment: "The run is no more.".to_owned(),
            ..kept
        };
        assert_eq!(revoked, expected);
        gate.restart().await;
        assert_eq!(gate.access_admin().get_token("nightly-2027").await.granted(), expected);
    }

    async fn what_the_server_sets_cannot_be_asked_for(gate) {
        let asked = Token {
            created_at: gate.at(-100),
            created_by: Some(person("mallory")),
            revoked_at: gate.at(-50),
            revoked_by: Some(person("mallory")),
            revocation_comment: "Never.".to_owned(),
            ..gate.token_of("laptop", "alice")
        };
        let made = gate.access_admin().create_token(asked).await.granted();
        let kept = made.token.unwrap();
        assert_eq!((kept.created_at, kept.revoked_at, kept.revoked_by), (gate.at(0), None, None));
        assert_eq!(kept.created_by.unwrap().subject, "access:ada");
        assert_eq!(kept.revocation_comment, "");
        gate.as_(&made.secret).who_am_i().await.granted();
    }

    async fn an_id_is_never_used_again(gate) {
        let admin = gate.access_admin();
        for id in ["live", "revoked"] {
            admin.create_token(gate.token_of(id, "alice")).await.granted();
        }
        let short = Token { expires_at: gate.at(5), ..gate.token_of("short", "alice") };
        admin.create_token(short).await.granted();
        admin.revoke_token("revoked").await.granted();
        gate.advance(5);
        let before = gate.entries().await;
        for id in ["live", "revoked", "short"] {
            for token in [gate.token_of(id, "alice"), gate.token_of_service(id, &[])] {
                let taken = admin.create_token(token).await.refused("TOKEN_ID_TAKEN", "E1");
                assert_eq!((taken.code, taken.fact("token")), (Code::AlreadyExists, id));
            }
        }
        assert_eq!(gate.entries().await, before);
        gate.restart().await;
        let again = gate.access_admin().create_token(gate.token_of("revoked", "alice")).await;
        again.refused("TOKEN_ID_TAKEN", "E1");
        assert_eq!(gate.entries().await, before);
    }

    async fn revoking_again_is_ok_and_changes_nothing(gate) {
        let admin = gate.access_admin();
        admin.create_token(gate.token_of("laptop", "alice")).await.granted();
        let revocation = |comment: &str| RevokeTokenRequest {
            token_id: "laptop".to_owned(),
            comment: comment.to_owned(),
        };
        let first = admin.revoke_token_with(revocation("Lost.")).await.granted();
        let before = gate.entries().await;
        gate.pass(60).await;
        let other = gate.as_("access:eve");
        assert_eq!(other.revoke_token_with(revocation("Found.")).await.granted(), first);
        assert_eq!(admin.revoke_token("laptop").await.granted(), first);
        gate.restart().await;
        assert_eq!(gate.access_admin().revoke_token("laptop").await.granted(), first);
        assert_eq!(gate.entries().await, before);
    }

    async fn what_has_expired_can_still_be_revoked(gate) {
        let admin = gate.access_admin();
        let short = Token { expires_at: gate.at(5), ..gate.token_of("short", "alice") };
        admin.create_token(short).await.granted();
        gate.advance(10);
        assert_eq!(admin.revoke_token("short").await.granted().revoked_at, gate.at(0));
    }

    async fn tokens_are_listed_by_id_page_by_page(gate) {
        let admin = gate.access_admin();
        for id in ["c", "a", "e", "b", "d"] {
            admin.create_token(gate.token_of(id, "alice")).await.granted();
        }
        let short = Token { expires_at: gate.at(5), ..gate.token_of("b2", "alice") };
        admin.create_token(short).await.granted();
        assert_eq!(in_pages(&admin, true).await, ["a", "b", "b2", "c", "d", "e"]);
        admin.revoke_token("c").await.granted();
        gate.advance(5);
        assert_eq!(in_pages(&admin, false).await, ["a", "b", "b2", "c", "d", "e"]);
        assert_eq!(in_pages(&admin, true).await, ["a", "b", "d", "e"]);
        let all = admin.list_tokens(page(0, "", false)).await.granted();
        assert_eq!((all.tokens.len(), all.next_page_token.as_str()), (6, ""));
        // What comes to be while pages are turned is on a later one, or before what was seen.
        let first = admin.list_tokens(page(2, "", false)).await.granted();
        admin.create_token(gate.token_of("a2", "alice")).await.granted();
        let second = admin.list_tokens(page(2, &first.next_page_token, false)).await.granted();
        assert_eq!((ids(&first), ids(&second)), (vec!["a", "b"], vec!["b2", "c"]));
    }
}

/// Who made tokens may see and revoke only those that may act on no more.
fn limited() -> Vec<TokenSpec> {
    vec![
        TokenSpec::person("all", "ada").roles(&["access_admin"]),
        TokenSpec::person("of-web", "wanda")
            .roles(&["access_admin"])
            .projects(&["web"]),
        TokenSpec::service("web-ci", &["orchestrator"]).projects(&["web"]),
        TokenSpec::service("web-prod-ci", &["orchestrator"])
            .projects(&["web"])
            .environments(&["production"]),
        TokenSpec::service("both-ci", &["orchestrator"]).projects(&["api", "web"]),
        TokenSpec::service("any-ci", &["orchestrator"]),
    ]
}

on_both_stores! { with Setup::with_tokens(limited);
    async fn what_was_made_at_the_store_says_so(gate) {
        let kept = gate.with_token("all").get_token("web-ci").await.granted();
        assert_eq!((kept.kind(), kept.created_at), (PrincipalKind::Service, gate.at(0)));
        assert_eq!((kept.created_by, kept.person.unwrap().subject), (None, "web-ci".to_owned()));
    }

    async fn e1_a_limited_admin_sees_what_may_act_on_no_more(gate) {
        let (all, wanda) = (gate.with_token("all"), gate.with_token("of-web"));
        let everything = ["all", "any-ci", "both-ci", "of-web", "web-ci", "web-prod-ci"];
        assert_eq!(in_pages(&all, false).await, everything);
        let seen = ["of-web", "web-ci", "web-prod-ci"];
        assert_eq!(in_pages(&wanda, false).await, seen);
        let before = gate.entries().await;
        for id in ["all", "any-ci", "both-ci"] {
            let absent = "x".repeat(id.len());
            let (found, none) = (wanda.get_token(id).await, wanda.get_token(&absent).await);
            let (found, none) = (found.refused("NOT_FOUND", "E1"), none.unwrap_err());
            assert_eq!(found.message.replace(id, &absent), none.message);
            let (found, none) = (wanda.revoke_token(id).await, wanda.revoke_token(&absent).await);
            let (found, none) = (found.refused("NOT_FOUND", "E1"), none.unwrap_err());
            assert_eq!(found.message.replace(id, &absent), none.message);
        }
        assert_eq!(gate.entries().await, before);
        wanda.revoke_token("web-prod-ci").await.granted();
        assert_eq!(in_pages(&wanda, true).await, ["of-web", "web-ci"]);
        gate.as_(&secret("web-prod-ci")).who_am_i().await.refused("UNAUTHENTICATED", "E1");
    }
}
