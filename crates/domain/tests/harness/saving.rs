//! What is worth a second look when a policy or a freeze is saved.

use std::sync::Arc;

use countersign_domain::batch::{Answer, Reply};
use countersign_domain::freeze::Freeze;
use countersign_domain::policy::{
    Policy, Warning, freeze_warnings, policy_warnings, window_warnings,
};

use super::Gate;

impl Gate {
    /// Plays a step that saves a policy or a freeze, and answers what it is warned about.
    pub(crate) fn save(&mut self, step: &str) -> Vec<Warning> {
        let reply = self.say(step).0;
        let now = self.store.head.instant;
        let policies: Vec<Arc<Policy>> = self.directory.policies().cloned().collect();
        let freezes: Vec<Arc<Freeze>> = self.directory.freezes_after(None).cloned().collect();
        match reply {
            Reply::Done(Answer::Policy(policy)) => {
                let mut found = policy_warnings(&policy.draft, &self.directory);
                found.extend(window_warnings(&policy.draft, &policies, &freezes, now));
                found
            }
            Reply::Done(Answer::Freeze(freeze)) => {
                freeze_warnings(&freeze.draft, &policies, &freezes, now)
            }
            reply => panic!("{step} is not saved: {reply:?}"),
        }
    }
}
