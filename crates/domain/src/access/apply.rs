//! The one way from an event to the next state of a token.

use super::{Revocation, Token, TokenEvent};
use crate::log::{IllegalEdge, Stamp};

/// The token after an event.
pub fn apply_token(
    token: Option<&Token>,
    event: &TokenEvent,
    stamp: Stamp,
) -> Result<Token, IllegalEdge> {
    let edge = |state| IllegalEdge {
        event: event.name(),
        state,
        sequence: stamp.sequence,
    };
    match (event, token) {
        (TokenEvent::Created { draft, by }, None) => Ok(Token {
            draft: draft.as_ref().clone(),
            created_by: by.clone(),
            created: stamp,
            revoked: None,
            stamp,
        }),
        (TokenEvent::Revoked { comment, by }, Some(token)) if token.revoked.is_none() => {
            let revoked = Revocation {
                at: stamp.instant,
                by: by.clone(),
                comment: comment.clone(),
            };
            Ok(Token {
                revoked: Some(revoked),
                stamp,
                ..token.clone()
            })
        }
        (TokenEvent::Created { .. }, Some(_)) => Err(edge("present")),
        (TokenEvent::Revoked { .. }, None) => Err(edge("absent")),
        (TokenEvent::Revoked { .. }, Some(_)) => Err(edge("revoked")),
    }
}
