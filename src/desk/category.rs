//! The rule book's lists: what can be broken (R21, R22), complained of (R32), or be an emergency (R18).
//!
//! A ticket's `category` is a key of these lists. A site's flow may use keys of its own beside them: `find` is for showing
//! them, not for refusing a ticket (R24).

use super::ticket::{Class, Kind, Urgency};

/// One entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category {
    /// As stored in the ticket.
    pub key: &'static str,
    pub kind: Kind,
    pub class: Class,
    pub urgency: Option<Urgency>,
    /// The rule book's own number of it, which is the caller's key in the default flow.
    pub number: u8,
    pub zh: &'static str,
    pub en: &'static str,
}

/// Every category of the rule book, list after list, in its order.
pub const CATEGORIES: &[Category] = &[
    urgent(1, "public_danger", "公共部位设施险情", "danger in public parts and facilities"),
    urgent(2, "power", "室内线路停电、漏电", "power cut or leakage from indoor wiring"),
    urgent(3, "burst_pipe", "水泵故障、水管爆裂", "pump failure or burst pipe"),
    urgent(4, "blocked_drain", "落水管堵塞、水盆漏水", "blocked downpipe, leaking basin"),
    urgent(5, "lift", "电梯故障", "lift out of order"),
    urgent(6, "broken_railing", "地板楼梯、栏杆损坏", "broken floor or stair boards, loose railings"),
    urgent(7, "other_danger", "其他险情", "other danger"),
    general(1, "door_window", "钢木门窗", "steel or wooden doors and windows"),
    general(2, "plumbing_fixture", "水卫设备零件", "parts of plumbing fixtures"),
    general(3, "roof_leak", "屋面渗漏", "roof leaking"),
    general(4, "small_repair", "其他小修及便民服务", "other small repairs and conveniences"),
    complaint(1, "equipment", "设备投诉", "equipment"),
    complaint(2, "attitude", "服务态度投诉", "attitude"),
    complaint(3, "quality", "服务质量投诉", "quality of service"),
    complaint(4, "sudden_event", "突发性事件投诉", "sudden event"),
    emergency(1, "medical", Class::A, "医疗急救", "medical emergency"),
    emergency(2, "fire_flood", Class::F, "火灾、水浸", "fire or flood"),
    emergency(3, "crime_accident", Class::E, "治安、交通事故", "crime or accident"),
];

/// The entry of a key.
pub fn find(key: &str) -> Option<&'static Category> {
    CATEGORIES.iter().find(|c| c.key == key)
}

const fn urgent(number: u8, key: &'static str, zh: &'static str, en: &'static str) -> Category {
    Category { key, kind: Kind::Repair, class: Class::B, urgency: Some(Urgency::Urgent), number, zh, en }
}

const fn general(number: u8, key: &'static str, zh: &'static str, en: &'static str) -> Category {
    Category { key, kind: Kind::Repair, class: Class::B, urgency: Some(Urgency::General), number, zh, en }
}

const fn complaint(number: u8, key: &'static str, zh: &'static str, en: &'static str) -> Category {
    Category { key, kind: Kind::Complaint, class: Class::C, urgency: None, number, zh, en }
}

const fn emergency(number: u8, key: &'static str, class: Class, zh: &'static str, en: &'static str) -> Category {
    Category { key, kind: Kind::Help, class, urgency: None, number, zh, en }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::clocks::start_at_opening;

    #[test]
    fn the_lists_are_as_long_as_the_rule_books_and_no_key_stands_twice() {
        let count = |kind, urgency| CATEGORIES.iter().filter(|c| c.kind == kind && c.urgency == urgency).count();
        assert_eq!(count(Kind::Repair, Some(Urgency::Urgent)), 7, "R21");
        assert_eq!(count(Kind::Repair, Some(Urgency::General)), 4, "R22");
        assert_eq!(count(Kind::Complaint, None), 4, "R32");
        for (i, c) in CATEGORIES.iter().enumerate() {
            assert!(CATEGORIES[..i].iter().all(|earlier| earlier.key != c.key), "{} stands twice", c.key);
            assert_eq!(find(c.key), Some(c));
        }
    }

    #[test]
    fn r18_every_emergency_is_of_a_class_whose_clock_starts_at_once() {
        for c in CATEGORIES.iter().filter(|c| c.kind == Kind::Help) {
            assert!(start_at_opening(c.kind, c.class), "{}", c.key);
        }
    }
}
