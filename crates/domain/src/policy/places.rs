//! Places that only some people can fill, and who fills which (G3).
//!
//! Each policy whose minimum must come from its own approvers is a group with that many places. One
//! person fills one place. People are placed by augmenting paths, never greedily: whoever has a
//! place keeps one, but moves to another group where that makes room for somebody else. So as many
//! are placed as can be.

/// The groups a person may fill a place of: bit `n` is group `n`. A change request holds at most 64
/// policies, so no group is without a bit.
pub(crate) type Groups = u64;

/// Which of a row of truths hold, as bits.
pub(crate) fn bits(truths: impl Iterator<Item = bool>) -> Groups {
    truths
        .enumerate()
        .filter(|(_, holds)| *holds)
        .fold(0, |bits, (index, _)| bits | 1 << index)
}

/// Groups with their places, and who fills them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// How many places each group has.
    sizes: Vec<usize>,
    /// Everyone who has a place, by what they may fill.
    people: Vec<Groups>,
    /// Who fills a place of each group.
    filled: Vec<Vec<usize>>,
    /// Groups that were asked for in vain. Places only fill up, so it would be in vain again, for
    /// these groups and for fewer of them.
    refused: Vec<Groups>,
}

impl Places {
    /// Empty places.
    pub(crate) fn new(sizes: Vec<usize>) -> Self {
        let filled = vec![Vec::new(); sizes.len()];
        Self {
            sizes,
            people: Vec::new(),
            filled,
            refused: Vec::new(),
        }
    }

    /// Gives a person a place, if there is one for them or others can make room.
    pub(crate) fn place(&mut self, groups: Groups) -> bool {
        if self.refused.iter().any(|refused| groups & !refused == 0) {
            return false;
        }
        let person = self.people.len();
        self.people.push(groups);
        let mut visited = 0;
        let seated = self.seat(person, &mut visited);
        if !seated {
            self.people.pop();
            self.refused.push(groups);
        }
        seated
    }

    /// Gives everyone a place who can have one, until all are filled.
    pub(crate) fn place_all(&mut self, people: impl Iterator<Item = Groups>) {
        for groups in people {
            if self.all_empty() == 0 {
                break;
            }
            self.place(groups);
        }
    }

    /// How many people have a place.
    pub(crate) fn seated(&self) -> usize {
        self.people.len()
    }

    /// Whether [`Places::place`] would find a place.
    pub(crate) fn could_place(&self, groups: Groups) -> bool {
        self.clone().place(groups)
    }

    /// How many places of each group are empty.
    pub(crate) fn empty(&self) -> impl Iterator<Item = usize> {
        let counted = self.sizes.iter().zip(&self.filled);
        counted.map(|(size, filled)| size.saturating_sub(filled.len()))
    }

    /// How many places are empty in all.
    pub(crate) fn all_empty(&self) -> usize {
        self.empty().sum()
    }

    /// Seats a person in the first group that has room or can make some. A group that was tried in
    /// vain is not tried again on the same path.
    fn seat(&mut self, person: usize, visited: &mut Groups) -> bool {
        for group in 0..self.sizes.len() {
            let bit = 1 << group;
            if self.people[person] & bit == 0 || *visited & bit != 0 {
                continue;
            }
            *visited |= bit;
            if self.filled[group].len() < self.sizes[group] {
                self.filled[group].push(person);
                return true;
            }
            for place in 0..self.filled[group].len() {
                let other = self.filled[group][place];
                if self.seat(other, visited) {
                    self.filled[group][place] = person;
                    return true;
                }
            }
        }
        false
    }

    /// How many places of each group are filled by the first so many who were seated.
    pub(crate) fn filled_by_first(&self, count: usize) -> Vec<usize> {
        let by_first = |group: &Vec<usize>| group.iter().filter(|&&it| it < count).count();
        self.filled.iter().map(by_first).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_who_has_a_place_moves_to_make_room() {
        // The first person may fill either group, the second only the first one.
        let mut places = Places::new(vec![1, 1]);
        assert!(places.place(0b11));
        assert!(places.place(0b01));
        assert_eq!(places.all_empty(), 0);
        assert!(!places.could_place(0b11));
    }

    #[test]
    fn g3_one_person_fills_one_place() {
        let mut places = Places::new(vec![2, 1]);
        assert!(places.place(0b11));
        assert_eq!(places.empty().collect::<Vec<_>>(), [1, 1]);
        assert!(places.place(0b10));
        assert_eq!(places.empty().collect::<Vec<_>>(), [1, 0]);
        assert!(!places.place(0b10), "only group 0 has room");
        assert!(places.place(0b01));
        assert_eq!(places.filled_by_first(2), [1, 1]);
    }

    #[test]
    fn a_chain_of_moves_is_found() {
        let mut places = Places::new(vec![1, 1, 1]);
        assert!(places.place(0b011));
        assert!(places.place(0b110));
        assert!(places.place(0b001));
        assert_eq!(places.all_empty(), 0);
    }
}
