//! The board and the page of a caller over real connections, with a line that says what the test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use frontdesk::console::{self, ConsoleState, DaemonAsk, DeskAccess, DeskSettings, GateOptions};
use frontdesk::desk::account::UserDraft;
use frontdesk::desk::answer_time::Cadence;
use frontdesk::desk::call_record::Direction;
use frontdesk::desk::hours::Hours;
use frontdesk::desk::live::{LiveCall, Node, Phase, Steer, SteerFault, SteerOrder};
use frontdesk::desk::people::Directory;
use frontdesk::desk::privacy::Role;
use frontdesk::desk::residents::Resident;
use frontdesk::desk::secret_hash::SecretHash;
use frontdesk::store::{Changer, Editor, Store, StoreOptions};
use frontdesk::types::{CallId, NumberPlan, Redacted};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

const PASSWORD: &str = "long-password-9";

/// What the line says, and what it was asked to do.
#[derive(Default)]
struct Line {
    live: Vec<LiveCall>,
    orders: Vec<SteerOrder>,
    refuses: Option<SteerFault>,
}

struct Desk {
    _folder: TempDir,
    address: SocketAddr,
    line: Arc<Mutex<Line>>,
    server: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Desk {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::new(folder.path().join("frontdesk.db"), chrono_tz::Asia::Shanghai);
        drop(Store::open(options, Box::new(|_| {})).unwrap());
        let mut editor = Editor::open(&folder.path().join("frontdesk.db")).unwrap();
        let by = Changer { who: "test", from_where: "test", at: Utc::now() };
        let hash = SecretHash::make(&Redacted(PASSWORD.to_owned()), &[7; 16]).unwrap();
        for (name, role, extension) in [
            ("wang", Role::Receptionist, Some("100")),
            ("chen", Role::Supervisor, None),
            ("zhang", Role::Engineer, Some("201")),
        ] {
            let draft = UserDraft {
                name: name.to_owned(),
                full_name: name.to_owned(),
                extension: extension.map(str::to_owned),
                role,
            };
            let id = editor.add_user(by, &draft).unwrap();
            editor.set_password(by, id, &hash, None).unwrap();
        }
        let resident = Resident::new("3", "1201", "李四", &["13800138000"], &NumberPlan::default()).unwrap();
        editor.add_resident(Utc::now(), &resident).unwrap();
        let line = Arc::default();
        let (address, server) = serve(folder.path(), Arc::clone(&line));
        Self { _folder: folder, address, line, server: Some(server) }
    }

    fn says(&self, live: Vec<LiveCall>) {
        self.line.lock().unwrap().live = live;
    }

    fn request(&self, head: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "{head}\r\nHost: desk\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .unwrap();
        stream
    }

    fn text(&self, head: &str, body: &str) -> String {
        let mut text = String::new();
        self.request(head, body).read_to_string(&mut text).unwrap();
        text
    }

    /// Signs somebody in; their cookie.
    fn sign_in(&self, name: &str) -> Session<'_> {
        let head = "POST /sign-in HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nAccept-Language: zh";
        let answer = self.text(head, &format!("name={name}&password={PASSWORD}"));
        let cookie = answer
            .lines()
            .find_map(|line| line.to_lowercase().starts_with("set-cookie: frontdesk=").then(|| line[12..].to_owned()));
        let cookie = cookie.unwrap_or_else(|| panic!("{answer}"));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Session { desk: self, cookie }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.server.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

struct Session<'a> {
    desk: &'a Desk,
    cookie: String,
}

impl Session<'_> {
    fn get(&self, path: &str) -> String {
        self.desk.text(&format!("GET {path} HTTP/1.1\r\nCookie: {}\r\nAccept-Language: zh", self.cookie), "")
    }

    /// Sends a form, as a page of theirs does.
    fn post(&self, path: &str, body: &str) -> String {
        let page = self.get("/account");
        let csrf = page.split("X-CSRF-Token\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let csrf = csrf.unwrap_or_else(|| panic!("{page}"));
        let head = format!(
            "POST {path} HTTP/1.1\r\nCookie: {}\r\nX-CSRF-Token: {csrf}\r\nContent-Type: application/x-www-form-urlencoded\r\nAccept-Language: zh",
            self.cookie
        );
        self.desk.text(&head, body)
    }

    fn listen(&self, path: &str) -> Events {
        let head = format!("GET {path} HTTP/1.1\r\nCookie: {}\r\nAccept-Language: zh", self.cookie);
        Events(BufReader::new(self.desk.request(&head, "")))
    }
}

/// A stream of server-sent events. Chunk sizes between them are no fields, so that they are passed over.
struct Events(BufReader<TcpStream>);

impl Events {
    fn next(&mut self) -> (String, String) {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).expect("it comes in time"), 0, "the stream has ended");
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(value) = line.strip_prefix("event: ") {
                value.clone_into(&mut name);
            } else if let Some(value) = line.strip_prefix("data:") {
                data += value;
            } else if line.is_empty() && !name.is_empty() {
                return (name, data);
            }
        }
    }

    /// Up to an event of that name whose data holds this: what came before it, by name.
    fn until(&mut self, name: &str, holds: &str) -> (Vec<String>, String) {
        let mut before = Vec::new();
        loop {
            let (found, data) = self.next();
            if found == name && data.contains(holds) {
                return (before, data);
            }
            before.push(found);
        }
    }
}

type Server = (oneshot::Sender<()>, std::thread::JoinHandle<()>);

fn serve(folder: &std::path::Path, line: Arc<Mutex<Line>>) -> (SocketAddr, Server) {
    let settings = DeskSettings {
        time_zone: chrono_tz::Asia::Shanghai,
        cadence: Cadence::default(),
        clocks: Arc::default(),
        people: Arc::new(Directory::parse(Directory::default_text(), "built-in people").unwrap()),
        hours: Arc::new(Hours::parse(Hours::default_text(), "built-in hours").unwrap()),
        numbers: NumberPlan::default(),
        owner: "desk".to_owned(),
        desk_names: [("".to_owned(), "光明物业".to_owned())].into(),
        flow: Arc::default(),
        retention: frontdesk::desk::retention::Retention::default(),
    };
    let access = DeskAccess::new(folder.join("frontdesk.db"), folder.join("recordings"), settings);
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let stopped = async { stopped.await.unwrap_or(()) };
            let (asks, mut inbox) = mpsc::channel(console::ASKS_MAX);
            tokio::spawn(async move {
                while let Some(ask) = inbox.recv().await {
                    let mut line = line.lock().unwrap();
                    match ask {
                        DaemonAsk::LiveCalls(answer) => drop(answer.send(line.live.clone())),
                        DaemonAsk::Steer { order, answer } => {
                            line.orders.push(order);
                            let _ = answer.send(line.refuses.map_or(Ok(()), Err));
                        }
                        other => panic!("the board does not ask for {other:?}"),
                    }
                }
            });
            console::serve(listener, ConsoleState::new(), (access, GateOptions::default()), asks, stopped)
                .await
                .unwrap();
        });
    });
    (address, (stop, thread))
}

fn call(id: i64, caller: &str, phase: Phase) -> LiveCall {
    let at: DateTime<Utc> = "2026-11-28T04:00:00Z".parse().unwrap();
    LiveCall {
        id: CallId(id),
        direction: Direction::In,
        caller: Some(caller.to_owned()),
        caller_name: None,
        callee: "desk".to_owned(),
        trunk: None,
        started_at: at,
        answered_at: Some(at),
        rings: 1,
        phase,
        since: at,
        rung: Vec::new(),
        tickets: Vec::new(),
        recording: None,
    }
}

fn menu() -> Phase {
    Phase::Menu { node: Node { name: "main".to_owned(), title: None } }
}

#[test]
fn a_call_comes_to_the_board_masked_and_escaped_and_nothing_else_is_sent_with_it() {
    let desk = Desk::start();
    let wang = desk.sign_in("wang");
    assert!(wang.get("/board").contains("现在没有通话"));
    let mut events = wang.listen("/live?board=1");
    let (before, _) = events.until("board-lines", "电话服务");
    assert_eq!(before, ["board-figures", "board-calls", "board-due"], "all of it at first");
    let named =
        LiveCall { caller_name: Some("<img src=x onerror=alert(1)>".to_owned()), ..call(1, "13900139000", menu()) };
    desk.says(vec![named.clone(), call(2, "13800138000", menu())]);
    let (_, calls) = events.until("board-calls", "李四");
    assert!(calls.contains("139****9000") && calls.contains("3-1201"), "{calls}");
    assert!(!calls.contains("13900139000") && !calls.contains("13800138000") && !calls.contains("<img"), "{calls}");
    desk.says(vec![named]);
    let (between, calls) = events.until("board-calls", "139****9000");
    assert!(between.iter().all(|name| name == "board-figures") && !calls.contains("李四"), "{between:?}");
}

#[test]
fn whoever_rings_for_somebody_is_told_to_them_alone() {
    let desk = Desk::start();
    let (wang, chen) = (desk.sign_in("wang"), desk.sign_in("chen"));
    let mut own = wang.listen("/live");
    let mut others = chen.listen("/live?board=1");
    let queued = LiveCall { rung: vec!["100".to_owned()], ..call(7, "13800138000", Phase::Queued { place: 1 }) };
    desk.says(vec![queued]);
    let (_, pop) = own.until("pop", "/pop/7");
    assert!(pop.contains("李四") && !pop.contains("13800138000"), "{pop}");
    assert_eq!(own.next().1.trim(), "/pop/7", "once it is to be gone to");
    let (before, _) = others.until("board-calls", "正在呼叫");
    assert!(!before.iter().any(|name| name == "pop" || name == "go"), "{before:?}");
    desk.says(Vec::new());
    assert_eq!(own.until("pop", "").0, Vec::<String>::new(), "it is gone, and nothing is told twice");
}

#[test]
fn a_caller_is_known_on_their_page_and_steered_by_whoever_has_them() {
    let desk = Desk::start();
    let (wang, chen, zhang) = (desk.sign_in("wang"), desk.sign_in("chen"), desk.sign_in("zhang"));
    desk.says(vec![call(7, "13800138000", Phase::Talking { with: "100".to_owned(), held: false })]);
    let page = wang.get("/pop/7");
    assert!(page.contains("13800138000") && page.contains("李四") && page.contains("/pop/7/park"), "{page}");
    assert!(zhang.get("/pop/7").starts_with("HTTP/1.1 403"), "an engineer who has nothing to do with them");
    assert!(wang.get("/pop/9").starts_with("HTTP/1.1 404"));
    assert!(wang.post("/pop/7/transfer", "to=%E5%91%A8%E4%BC%9F").starts_with("HTTP/1.1 303"), "by name");
    assert!(chen.post("/pop/7/back", "").starts_with("HTTP/1.1 303"));
    assert!(wang.post("/pop/7/transfer", "to=999").starts_with("HTTP/1.1 422"), "nobody");
    let orders = std::mem::take(&mut desk.line.lock().unwrap().orders);
    let order = |steer, by: Option<&str>| SteerOrder { call: CallId(7), steer, by: by.map(str::to_owned) };
    assert_eq!(orders, [order(Steer::Transfer { to: "202".to_owned() }, Some("100")), order(Steer::HandBack, None)]);
    desk.line.lock().unwrap().refuses = Some(SteerFault::NotTheirs);
    let refused = wang.post("/pop/7/park", "");
    assert!(refused.starts_with("HTTP/1.1 409") && refused.contains("来电人正与其他同事通话"), "{refused}");
}

#[test]
fn a_ticket_is_opened_for_whoever_calls_and_written_to() {
    let desk = Desk::start();
    let (wang, zhang) = (desk.sign_in("wang"), desk.sign_in("zhang"));
    desk.says(vec![call(7, "13800138000", Phase::Talking { with: "100".to_owned(), held: false })]);
    let form = "kind=inquiry&building=3&room=1201&description=%E5%81%9C%E8%BD%A6";
    assert!(wang.post("/pop/7/ticket", form).starts_with("HTTP/1.1 303"));
    let page = wang.get("/pop/7");
    let number =
        page.split("/tickets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{page}"));
    assert!(page.contains("停车"), "{page}");
    assert!(wang.post("/pop/7/note", &format!("ticket={number}&text=later")).starts_with("HTTP/1.1 303"));
    let stale = format!("ticket={number}&seen=1&to=answered&note=told");
    assert!(wang.post("/pop/7/advance", &stale).starts_with("HTTP/1.1 412"), "somebody else wrote meanwhile");
    let page = wang.get("/pop/7");
    let seen = page.split("name=\"seen\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    let step = format!("ticket={number}&seen={seen}&to=answered&note=told");
    assert!(wang.post("/pop/7/advance", &step).starts_with("HTTP/1.1 303"));
    assert!(zhang.post("/pop/7/note", &format!("ticket={number}&text=x")).starts_with("HTTP/1.1 403"));
    assert!(zhang.get("/board").starts_with("HTTP/1.1 403"));
}
