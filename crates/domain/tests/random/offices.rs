//! What changes of policies and teams answer.

use countersign_domain::Instant;

use super::harness::people::at;
use super::model::{Model, Team};
use super::predict::{Answer, DONE, REPEAT, names, no};
use super::steps::Draft;
use super::times::EVERY;

/// Some window opens, or there are none and nothing is said about them.
fn has_times(draft: Draft, now: Instant) -> bool {
    match draft.windows {
        "" => draft.close.is_empty(),
        EVERY => true,
        once => {
            let mut ends = once
                .split(';')
                .filter_map(|it| it.split_once("..")?.1.parse().ok());
            ends.any(|end| now < at(end))
        }
    }
}

impl Model {
    pub(crate) fn make_policy(&mut self, id: &'static str, draft: Draft, now: Instant) -> Answer {
        if self.policies.contains_key(id) {
            return no("PolicyIdTaken");
        }
        if !self.is_sound(draft) || !has_times(draft, now) {
            return no("InvalidField");
        }
        self.made += 1;
        self.policies.insert(id, (draft, self.made));
        DONE
    }

    pub(crate) fn edit_policy(&mut self, id: &'static str, draft: Draft, now: Instant) -> Answer {
        if !self.policies.contains_key(id) {
            return no("NotFound");
        }
        let before = self.policies[id].0;
        let same_times = (before.windows, before.close) == (draft.windows, draft.close);
        if !self.is_sound(draft) || !(same_times || has_times(draft, now)) {
            return no("InvalidField");
        }
        if self.policies[id].0 == draft {
            return REPEAT;
        }
        self.made += 1;
        self.policies.insert(id, (draft, self.made));
        DONE
    }

    /// Somebody may approve, or there are windows and nobody has to; and all teams exist.
    fn is_sound(&self, draft: Draft) -> bool {
        let nobody = draft.users.is_empty() && draft.teams.is_empty();
        let only_windows = nobody && draft.min == 0 && !draft.windows.is_empty();
        let asks = !nobody && draft.min > 0;
        (asks || only_windows) && names(draft.teams).all(|team| self.teams.contains_key(team))
    }

    pub(crate) fn make_team(
        &mut self,
        id: &'static str,
        members: &'static str,
        claimed: bool,
    ) -> Answer {
        if self.teams.contains_key(id) {
            return no("TeamIdTaken");
        }
        if claimed && !members.is_empty() {
            return no("InvalidField");
        }
        self.made += 1;
        let team = Team {
            incarnation: self.made,
            members: names(members).collect(),
            claimed,
        };
        self.teams.insert(id, team);
        DONE
    }

    pub(crate) fn edit_team(&mut self, id: &str, members: &'static str) -> Answer {
        let Some(team) = self.teams.get_mut(id) else {
            return no("NotFound");
        };
        let members: Vec<&str> = names(members).collect();
        if team.claimed && !members.is_empty() {
            return no("InvalidField");
        }
        if team.members == members {
            return REPEAT;
        }
        team.members = members;
        DONE
    }

    pub(crate) fn drop_team(&mut self, id: &str) -> Answer {
        if !self.teams.contains_key(id) {
            return no("NotFound");
        }
        if self
            .policies
            .values()
            .any(|(draft, _)| names(draft.teams).any(|team| team == id))
        {
            return no("TeamInUse");
        }
        self.teams.remove(id);
        DONE
    }
}
