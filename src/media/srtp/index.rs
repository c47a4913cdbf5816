//! A packet's index: how often the sequence numbers have wrapped, then the number (RFC 3711 section 3.3.1), and which of
//! them came already (section 3.3.2).

/// 48 bits: the rollover counter, then the sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index(pub u64);

impl Index {
    pub fn new(rollovers: u32, sequence: u16) -> Self {
        Index(u64::from(rollovers) << 16 | u64::from(sequence))
    }

    pub fn rollovers(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// Which of the last 128 indices came.
#[derive(Debug, Clone)]
pub struct Window {
    highest: u64,
    /// The highest in the lowest bit.
    seen: u128,
}

impl Window {
    /// One that has seen this index.
    pub fn new(first: u64) -> Self {
        Self { highest: first, seen: 1 }
    }

    pub fn rollovers(&self) -> u32 {
        Index(self.highest).rollovers()
    }

    /// The index nearest to the highest so far that ends in this number; `None` before the first and after the last of all.
    pub fn guess(&self, sequence: u16) -> Option<Index> {
        const HALF: u16 = 1 << 15;
        let (rollovers, highest) = (self.rollovers(), self.highest as u16);
        let rollovers = if highest < HALF && sequence > highest + HALF {
            rollovers.checked_sub(1)?
        } else if highest >= HALF && sequence < highest - HALF {
            rollovers.checked_add(1)?
        } else {
            rollovers
        };
        Some(Index::new(rollovers, sequence))
    }

    /// Whether an index has not come yet, as far as can be told: what is older than the window may have.
    pub fn is_new(&self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < 128 && self.seen & 1 << behind == 0,
        }
    }

    /// To be called for what is new, once it has proved itself.
    pub fn take(&mut self, index: u64) {
        if index > self.highest {
            let ahead = index - self.highest;
            self.seen = if ahead < 128 { self.seen << ahead | 1 } else { 1 };
            self.highest = index;
        } else if self.highest - index < 128 {
            self.seen |= 1 << (self.highest - index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_on_over_wraps_and_late_ones_belong_before() {
        let mut window = Window::new(65_533);
        assert_eq!(window.guess(65_535), Some(Index(65_535)));
        assert_eq!(window.guess(1), Some(Index(65_537)));
        window.take(65_537);
        assert_eq!(window.guess(65_534), Some(Index(65_534)));
        assert_eq!((window.guess(2), window.rollovers()), (Some(Index(65_538)), 1));
        assert_eq!(Window::new(5).guess(65_530), None, "nothing comes before the first turn");
        assert_eq!(Window::new(u64::from(u32::MAX) << 16 | 65_535).guess(3), None, "the key has no more indices");
    }

    #[test]
    fn each_is_let_in_once_and_nothing_older_than_the_window() {
        let mut window = Window::new(1_000);
        for index in [1_001, 1_004, 1_003, 1_002, 1_120] {
            assert!(window.is_new(index), "{index}");
            window.take(index);
            assert!(!window.is_new(index), "{index}");
        }
        assert!(!window.is_new(1_000) && window.is_new(999) && !window.is_new(992));
        window.take(5_000);
        assert!(!window.is_new(1_120) && window.is_new(4_999));
    }
}
