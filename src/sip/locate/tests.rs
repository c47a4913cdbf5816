//! A zone in a table, and what is found in it.

use super::*;

const UDP4: (Transport, Family) = (Transport::Udp, Family::V4);
const TCP4: (Transport, Family) = (Transport::Tcp, Family::V4);
const TLS4: (Transport, Family) = (Transport::Tls, Family::V4);

/// Records as `name type data`.
struct Zone {
    records: Vec<&'static str>,
    asked: Vec<Question>,
    turns: usize,
}

fn zone(records: &[&'static str]) -> Zone {
    Zone { records: records.to_vec(), asked: Vec::new(), turns: 0 }
}

impl Zone {
    fn found(&mut self, uri: &str, can: &[(Transport, Family)]) -> Vec<String> {
        let uri: Uri = uri.parse().expect("a URI");
        let mut random = Random::for_testing(1);
        let mut locating = Locating::begin(&uri, Reachable(can.to_vec()));
        loop {
            match locating.step() {
                Step::Found(targets) => {
                    return targets.iter().map(|t| format!("{} {}", t.transport.param(), t.address)).collect();
                }
                Step::Ask(questions) => {
                    self.turns += 1;
                    assert!(self.turns <= 3 && questions.len() <= QUESTIONS_MAX, "{questions:?}");
                    let answers = questions.iter().map(|question| self.answer(question)).collect();
                    self.asked.extend(questions);
                    locating.answered(answers, &mut random);
                }
            }
        }
    }

    fn data(&self, name: &str, kind: &str) -> Vec<Vec<&'static str>> {
        let words = self.records.iter().map(|record| record.split_whitespace().collect::<Vec<_>>());
        words.filter(|words| words[0] == name && words[1] == kind).map(|words| words[2..].to_vec()).collect()
    }

    fn answer(&self, question: &Question) -> Answer {
        let number = |text: &str| text.parse().expect("a number");
        match question {
            Question::Naptr(name) => {
                let records = self.data(name, "NAPTR").into_iter().map(|data| Naptr {
                    order: number(data[0]),
                    preference: number(data[1]),
                    flags: data[2].to_owned(),
                    service: data[3].to_owned(),
                    replacement: data[4].to_owned(),
                });
                or_nothing(records.collect(), Answer::Naptr)
            }
            Question::Srv(name) => {
                let records = self.data(name, "SRV").into_iter().map(|data| Srv {
                    priority: number(data[0]),
                    weight: number(data[1]),
                    port: number(data[2]),
                    target: data[3].to_owned(),
                });
                or_nothing(records.collect(), Answer::Srv)
            }
            Question::Addresses(name, family) => {
                let kind = if *family == Family::V4 { "A" } else { "AAAA" };
                let records = self.data(name, kind).into_iter().map(|data| data[0].parse().expect("an address"));
                or_nothing(records.collect(), Answer::Addresses)
            }
        }
    }
}

fn or_nothing<T>(records: Vec<T>, answer: fn(Vec<T>) -> Answer) -> Answer {
    if records.is_empty() { Answer::Nothing } else { answer(records) }
}

#[test]
fn an_address_is_asked_of_nobody() {
    let mut zone = zone(&[]);
    assert_eq!(zone.found("sip:1@192.0.2.1", &[UDP4, TCP4]), ["udp 192.0.2.1:5060"]);
    assert_eq!(zone.found("sip:1@192.0.2.1:5070;transport=tcp", &[UDP4, TCP4]), ["tcp 192.0.2.1:5070"]);
    assert_eq!(zone.found("sip:1@192.0.2.1", &[TCP4]), ["tcp 192.0.2.1:5060"]);
    assert_eq!(zone.found("sips:1@192.0.2.1", &[UDP4, TLS4]), ["tls 192.0.2.1:5061"]);
    assert_eq!(zone.found("sip:1@192.0.2.1;transport=tls", &[UDP4, TLS4]), ["tls 192.0.2.1:5061"]);
    assert!(zone.asked.is_empty());
}

#[test]
fn what_no_listener_speaks_is_not_found() {
    let mut zone = zone(&["gw.example A 192.0.2.1"]);
    for uri in [
        "sips:1@192.0.2.1",
        "sips:1@gw.example",
        "sip:1@gw.example;transport=tls",
        "sip:1@gw.example;transport=ws",
        "sip:1@gw.example;transport=sctp",
        "sips:1@gw.example;transport=udp",
        "sip:1@[2001:db8::1]",
        "sip:1@0.0.0.0",
        "sip:1@255.255.255.255",
        "tel:+8613800138000",
    ] {
        assert_eq!(zone.found(uri, &[UDP4, TCP4]), Vec::<String>::new(), "{uri}");
    }
    assert!(zone.asked.is_empty());
}

#[test]
fn a_port_leads_to_the_host_itself() {
    let mut zone = zone(&["gw.example A 192.0.2.1", "_sip._udp.gw.example SRV 1 1 5090 other.example"]);
    assert_eq!(zone.found("sip:1@GW.example:5070", &[UDP4]), ["udp 192.0.2.1:5070"]);
    assert_eq!(zone.asked, [Question::Addresses("gw.example".to_owned(), Family::V4)]);
}

/// The example of RFC 3263 section 4.1.
#[test]
fn naptr_says_which_transport_the_domain_wants() {
    let mut zone = zone(&[
        "example.com NAPTR 50 50 s SIPS+D2T _sips._tcp.example.com",
        "example.com NAPTR 90 50 s SIP+D2T _sip._tcp.example.com",
        "example.com NAPTR 100 50 s SIP+D2U _sip._udp.example.com",
        "example.com NAPTR 10 10 u E2U+sip nothing.example.com",
        "_sips._tcp.example.com SRV 0 1 5061 server1.example.com",
        "_sip._tcp.example.com SRV 0 1 5060 server1.example.com",
        "_sip._tcp.example.com SRV 1 2 5060 server2.example.com",
        "_sip._udp.example.com SRV 0 1 5060 server1.example.com",
        "server1.example.com A 192.0.2.1",
        "server2.example.com A 192.0.2.2",
    ]);
    let all = ["tls 192.0.2.1:5061", "tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060", "udp 192.0.2.1:5060"];
    assert_eq!(zone.found("sip:1@example.com", &[UDP4, TCP4, TLS4]), all);
    zone.turns = 0;
    assert_eq!(zone.found("sip:1@example.com", &[UDP4, TCP4]), all[1..]);
    zone.turns = 0;
    assert_eq!(zone.found("sips:1@example.com", &[UDP4, TCP4, TLS4]), all[..1]);
    zone.turns = 0;
    assert_eq!(zone.found("sip:1@example.com;transport=udp", &[UDP4, TCP4, TLS4]), all[3..]);
}

#[test]
fn without_naptr_the_srv_records_of_each_transport_are_tried() {
    let mut zone = zone(&[
        "_sip._tcp.example.com SRV 20 0 5062 b.example.com",
        "_sip._tcp.example.com SRV 10 0 5063 a.example.com",
        "a.example.com A 192.0.2.1",
        "b.example.com A 192.0.2.2",
        "example.com A 192.0.2.9",
    ]);
    assert_eq!(zone.found("sip:1@example.com", &[UDP4, TCP4]), ["tcp 192.0.2.1:5063", "tcp 192.0.2.2:5062"]);
    assert_eq!(zone.turns, 2);
}

#[test]
fn without_any_record_of_sip_the_host_itself_is_the_server() {
    let mut zone = zone(&["example.com A 192.0.2.9", "example.com AAAA 2001:db8::9"]);
    assert_eq!(zone.found("sip:1@example.com", &[UDP4, TCP4]), ["udp 192.0.2.9:5060"]);
    zone.turns = 0;
    let both = [(Transport::Udp, Family::V6), UDP4];
    assert_eq!(zone.found("sip:1@example.com.", &both), ["udp [2001:db8::9]:5060", "udp 192.0.2.9:5060"]);
    zone.turns = 0;
    assert_eq!(zone.found("sips:1@example.com", &[UDP4, TLS4]), ["tls 192.0.2.9:5061"]);
}

#[test]
fn a_domain_that_names_only_what_we_do_not_speak_is_not_guessed_at() {
    let mut zone = zone(&["a.example NAPTR 1 1 s SIPS+D2T _sips._tcp.a.example", "a.example A 192.0.2.9"]);
    assert_eq!(zone.found("sip:1@a.example", &[UDP4, TCP4]), Vec::<String>::new());
}

#[test]
fn a_service_that_is_decidedly_not_there_is_not_looked_for_at_the_host() {
    let mut zone = zone(&["_sip._udp.a.example SRV 0 0 0 .", "a.example A 192.0.2.9"]);
    assert_eq!(zone.found("sip:1@a.example;transport=udp", &[UDP4]), Vec::<String>::new());
}

#[test]
fn answers_that_lie_lead_nowhere() {
    let long: &'static str =
        Box::leak(format!("_sip._udp.a.example SRV 0 0 5060 {}", "x".repeat(300)).into_boxed_str());
    let mut zone = zone(&[
        long,
        "_sip._udp.a.example SRV 0 0 0 port.example",
        "_sip._udp.a.example SRV 1 0 5060 nowhere.example",
        "_sip._udp.a.example SRV 2 0 5060 192.0.2.7",
        "_sip._udp.a.example SRV 3 0 5060 twice.example",
        "_sip._udp.a.example SRV 4 0 5060 twice.example",
        "nowhere.example A 0.0.0.0",
        "nowhere.example A 224.0.0.1",
        "twice.example A 192.0.2.1",
        "twice.example A 192.0.2.1",
    ]);
    assert_eq!(zone.found("sip:1@a.example", &[UDP4]), ["udp 192.0.2.7:5060", "udp 192.0.2.1:5060"]);
    assert_eq!(zone.found(&format!("sip:1@{}", "x".repeat(64)), &[UDP4]), Vec::<String>::new());
    assert_eq!(zone.found(&format!("sip:1@{}", "x.".repeat(130)), &[UDP4]), Vec::<String>::new());
}

#[test]
fn huge_answers_come_to_no_more_than_the_limit() {
    let mut records = Vec::new();
    for n in 0..500 {
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        records.push(leak(format!("_sip._udp.a.example SRV {n} 0 5060 h{n}.example")));
        records.push(leak(format!("a.example NAPTR {n} 0 s SIP+D2U _sip._udp.a.example")));
        for ip in 0..30 {
            records.push(leak(format!("h{n}.example A 192.0.2.{ip}")));
            records.push(leak(format!("h{n}.example AAAA 2001:db8::{ip}")));
        }
    }
    let mut zone = zone(&records);
    let found = zone.found("sip:1@a.example", &[UDP4, (Transport::Udp, Family::V6)]);
    assert_eq!(found.len(), TARGETS_MAX);
    assert_eq!(found[..2], ["udp 192.0.2.0:5060", "udp [2001:db8::]:5060"]);
}

#[test]
fn answers_to_other_questions_are_not_believed() {
    let mut locating = Locating::begin(&"sip:1@a.example".parse().expect("a URI"), Reachable(vec![UDP4]));
    let mut random = Random::for_testing(1);
    let wrong = vec![Answer::Addresses(vec!["192.0.2.1".parse().expect("an address")]); 2];
    locating.answered(wrong.clone(), &mut random);
    locating.answered(Vec::new(), &mut random);
    assert_eq!(locating.step(), Step::Found(Vec::new()));
    locating.answered(wrong, &mut random);
    assert_eq!(locating.step(), Step::Found(Vec::new()));
}
