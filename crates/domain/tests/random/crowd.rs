//! What is true of a change request and all its tasks, told the plain way: by the rule book, and
//! with quorums found by trying.

use std::collections::BTreeMap;

use countersign_domain::Instant;

use super::model::{Fact, Model, Team};
use super::steps::{Asked, Draft, Terms};

/// Where a change request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending(Instant),
    /// The flag: the time to live of its newest approval has passed, and nothing was left.
    Approved(bool),
    Rejected,
    Expired,
    Withdrawn,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending(_) => "PENDING",
            Self::Approved(_) => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }
}

/// The latest word of one person: approved, revoked, rejected, lapsed. And through what.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) said: char,
    pub(crate) at: Instant,
    /// Which of all words this is.
    pub(crate) number: u64,
    pub(crate) directly: bool,
    pub(crate) through: Vec<&'static str>,
}

/// By what tasks that share find each other.
pub(crate) type Key = [&'static str; 5];

/// A policy as it was when it matched, with its mark and the incarnations of its teams.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frozen {
    pub(crate) draft: Draft,
    pub(crate) mark: u64,
    pub(crate) teams: Vec<(&'static str, u64)>,
}

impl Frozen {
    fn names(&self, name: &str, directly: bool, through: &[&str]) -> bool {
        let named = self.draft.users.split(',').any(|user| user == name);
        (directly && named) || self.teams.iter().any(|(team, _)| through.contains(team))
    }
}

/// A change request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Crowd {
    pub(crate) key: Option<Key>,
    pub(crate) policies: Vec<Frozen>,
    pub(crate) creators: Vec<&'static str>,
    pub(crate) said: BTreeMap<&'static str, Word>,
    pub(crate) state: State,
}

impl Crowd {
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.state, State::Pending(_) | State::Approved(_))
    }

    pub(crate) fn blocks(&self) -> bool {
        self.policies.iter().any(|policy| policy.draft.block)
    }

    pub(crate) fn terms(&self) -> impl Iterator<Item = Terms> {
        self.policies.iter().map(|policy| policy.draft.terms)
    }

    pub(crate) fn approvals(&self) -> impl Iterator<Item = (&'static str, &Word)> {
        let said = self.said.iter().filter(|(_, word)| word.said == 'a');
        said.map(|(name, word)| (*name, word))
    }

    /// G1, G3: enough people, and each place of an own policy filled by another one of its own.
    fn has_quorum(&self) -> bool {
        let minimum = self.policies.iter().map(|policy| policy.draft.min).max();
        let own = self.policies.iter().filter(|policy| policy.draft.terms.own);
        let places: Vec<&Frozen> = own
            .flat_map(|policy| vec![policy; policy.draft.min])
            .collect();
        let people: Vec<_> = self.approvals().collect();
        people.len() >= minimum.unwrap_or(0) && fill(&places, &people)
    }

    /// When time ends it, or what its approvals allow.
    pub(crate) fn due(&self) -> Option<Instant> {
        let shortest = |ttl: fn(Terms) -> i64| {
            let said = self.terms().map(ttl).filter(|&seconds| seconds > 0);
            said.min().map(|seconds| seconds * 1_000_000)
        };
        match self.state {
            State::Pending(since) => since.plus_micros(shortest(|terms| terms.attl)?),
            State::Approved(false) => {
                let newest = self.approvals().map(|(_, word)| word.at).max()?;
                newest.plus_micros(shortest(|terms| terms.ettl)?)
            }
            _ => None,
        }
    }

    /// D9: whether an approval would still be one, for all the own policies it may stand for.
    fn stands(&self, name: &str, word: &Word, teams: &BTreeMap<&'static str, Team>) -> bool {
        let (mut directly, mut through) = (false, Vec::new());
        for policy in &self.policies {
            directly |= policy.draft.users.split(',').any(|user| user == name);
            for (id, incarnation) in &policy.teams {
                let team = teams.get(id).filter(|it| it.incarnation == *incarnation);
                let stays = |it: &Team| it.claimed && word.through.contains(id);
                if team.is_some_and(|it| it.members.contains(&name) || stays(it)) {
                    through.push(*id);
                }
            }
        }
        let own = self.policies.iter().filter(|policy| policy.draft.terms.own);
        let kept = |it: &&Frozen| {
            !it.names(name, word.directly, &word.through) || it.names(name, directly, &through)
        };
        (directly || !through.is_empty()) && own.clone().filter(kept).count() == own.count()
    }
}

/// S1, S2: by what a task finds others to share with.
pub(crate) fn key(asked: &Asked, policies: &[Frozen]) -> Option<Key> {
    let said = policies.iter().map(|policy| policy.draft.terms.share);
    let said: Vec<_> = said.filter(|share| !share.is_empty()).collect();
    let by_tenant = said.contains(&"tenant");
    if said.is_empty() || said.contains(&"task") || asked.release.is_empty() {
        return None;
    }
    let tenant = if by_tenant { asked.tenant } else { "" };
    Some([
        asked.env,
        asked.project,
        asked.digest,
        asked.release,
        tenant,
    ])
}

fn fill(places: &[&Frozen], people: &[(&str, &Word)]) -> bool {
    let Some((place, rest)) = places.split_first() else {
        return true;
    };
    (0..people.len()).any(|index| {
        let mut others = people.to_vec();
        let (name, word) = others.remove(index);
        place.names(name, word.directly, &word.through) && fill(rest, &others)
    })
}

impl Model {
    pub(crate) fn open(&mut self, crowd: usize) -> Vec<&mut Fact> {
        let tasks = self.tasks.values_mut();
        tasks
            .filter(|fact| fact.held_by == crowd && fact.could_start())
            .collect()
    }

    /// D12.
    pub(crate) fn crowd_could_start(&mut self, crowd: usize) -> bool {
        let found = &self.crowds[crowd];
        let might_join = matches!(found.state, State::Approved(_)) && found.key.is_some();
        might_join || !self.open(crowd).is_empty()
    }

    /// Lets time and approvals do what they do.
    pub(crate) fn touch(&mut self, crowd: usize, now: Instant, starts: bool) {
        self.lose(crowd, now);
        if matches!(self.crowds[crowd].state, State::Pending(_)) && self.open(crowd).is_empty() {
            self.crowds[crowd].state = State::Withdrawn;
        }
        self.pass(crowd, now);
        self.recheck(crowd, starts);
        self.lose(crowd, now);
        self.pass(crowd, now);
        let found = &mut self.crowds[crowd];
        if matches!(found.state, State::Pending(_)) && found.has_quorum() {
            found.state = State::Approved(false);
        }
        let approved = matches!(self.crowds[crowd].state, State::Approved(_));
        let frozen: Vec<bool> = {
            let asked: Vec<Asked> = self.open(crowd).iter().map(|fact| fact.asked).collect();
            asked.iter().map(|it| self.is_frozen(it, now)).collect()
        };
        for (fact, frozen) in self.open(crowd).into_iter().zip(frozen) {
            let open = fact.from.is_none_or(|from| from <= now);
            let cleared = approved && open && !frozen;
            fact.generation += u64::from(cleared && !fact.cleared);
            fact.cleared = cleared;
            fact.held_for = match (approved, open) {
                (false, _) => "approval",
                (true, false) => "window",
                (true, true) => "freeze",
            };
        }
    }

    fn lose(&mut self, crowd: usize, now: Instant) {
        let approved = matches!(self.crowds[crowd].state, State::Approved(_));
        if approved && !self.crowds[crowd].has_quorum() && self.crowd_could_start(crowd) {
            self.crowds[crowd].state = State::Pending(now);
        }
    }

    /// D9: at the threshold, while there are enough; at a start, all.
    fn recheck(&mut self, crowd: usize, starts: bool) {
        if self.open(crowd).is_empty() || !self.crowds[crowd].terms().any(|it| it.recheck) {
            return;
        }
        let teams = self.teams.clone();
        let found = &mut self.crowds[crowd];
        let mut names: Vec<_> = found
            .approvals()
            .map(|(name, it)| (it.number, name))
            .collect();
        names.sort_unstable();
        for (_, name) in names {
            let due = match found.state {
                State::Pending(_) => found.has_quorum(),
                State::Approved(_) => starts,
                _ => false,
            };
            if due && !found.stands(name, &found.said[name], &teams) {
                found.said.get_mut(name).unwrap().said = 'l';
            }
        }
    }
}
