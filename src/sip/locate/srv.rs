//! The order of SRV records (RFC 2782): by priority, and by chance among those of one, in proportion to their weights.

use crate::types::Random;

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    /// `.` where the service is decidedly not there.
    pub target: String,
}

/// More records than this are no server list.
const RECORDS_MAX: usize = 64;

pub(super) fn in_order(mut records: Vec<Srv>, random: &mut Random) -> Vec<Srv> {
    // Those of weight 0 stand first, so that they are drawn now and then beside the others.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    records.truncate(RECORDS_MAX);
    let mut ordered = Vec::with_capacity(records.len());
    while !records.is_empty() {
        let same = records.iter().take_while(|record| record.priority == records[0].priority).count();
        let at = draw(&records[..same], random);
        ordered.push(records.remove(at));
    }
    ordered
}

fn draw(records: &[Srv], random: &mut Random) -> usize {
    let sum: u64 = records.iter().map(|record| u64::from(record.weight)).sum();
    let mark = u64::from(random.u32()) % (sum + 1);
    let mut running = 0;
    let reached = |record: &Srv| {
        running += u64::from(record.weight);
        running >= mark
    };
    records.iter().position(reached).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv { priority, weight, port: 5060, target: target.to_owned() }
    }

    fn firsts(records: &[Srv], draws: u32) -> Vec<(String, u32)> {
        let mut random = Random::for_testing(7);
        let mut counted: Vec<(String, u32)> = records.iter().map(|record| (record.target.clone(), 0)).collect();
        for _ in 0..draws {
            let first = in_order(records.to_vec(), &mut random).remove(0);
            counted.iter_mut().filter(|(name, _)| *name == first.target).for_each(|(_, n)| *n += 1);
        }
        counted
    }

    #[test]
    fn a_lower_priority_comes_first_whatever_its_weight() {
        let records = [srv(20, 1000, "c"), srv(10, 0, "a"), srv(10, 0, "b")];
        let mut random = Random::for_testing(1);
        for _ in 0..50 {
            let ordered = in_order(records.to_vec(), &mut random);
            assert_eq!(ordered.len(), 3);
            assert_eq!(ordered[2].target, "c");
        }
    }

    #[test]
    fn chance_follows_the_weights() {
        let counted = firsts(&[srv(10, 60, "a"), srv(10, 20, "b"), srv(10, 20, "c"), srv(10, 0, "d")], 10_000);
        let share = |at: usize| counted[at].1;
        assert!((5_500..6_500).contains(&share(0)), "{counted:?}");
        assert!((1_700..2_300).contains(&share(1)) && (1_700..2_300).contains(&share(2)), "{counted:?}");
        assert!((1..400).contains(&share(3)), "a weight of 0 is drawn, but seldom: {counted:?}");
    }

    #[test]
    fn the_greatest_weights_do_not_run_over() {
        let records: Vec<Srv> = (0..2_000).map(|n| srv(1, u16::MAX, &n.to_string())).collect();
        assert_eq!(in_order(records, &mut Random::for_testing(1)).len(), RECORDS_MAX);
    }
}
