//! A stand-in for Orthanc that fails in ways that a real one cannot be made to fail in: it is away, loses answers,
//! sends other bytes than it took.

use std::sync::{Arc, Mutex, MutexGuard};

use causeway::dicom::header::{HeaderLimits, MetaReader, Scanner};
use serde_json::{Value, json};

use crate::support::{Received, Reply, WebPeer};

/// What the stand-in has and how it behaves.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way to fail, and any may come with any")]
pub(super) struct State {
    /// Id, study, file.
    pub(super) instances: Vec<(String, String, Vec<u8>)>,
    changes: Vec<(usize, String)>,
    seq: usize,
    /// Databases there were before.
    born: usize,
    /// Answers nothing but 503.
    pub(super) is_away: bool,
    /// Stores, and says that it failed.
    pub(super) loses_answers: bool,
    /// Takes nothing.
    pub(super) refuses: bool,
    /// Sends other bytes than it has.
    pub(super) is_corrupt: bool,
}

/// A running stand-in.
pub(super) struct StandIn {
    pub(super) peer: WebPeer,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    pub(super) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let own = Arc::clone(&state);
        let peer = WebPeer::start(move |request| own.lock().expect("not poisoned").answer(request));
        Self { peer, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// Settings of a gateway before it.
    pub(super) fn settings(&self, mode: &str) -> String {
        format!(
            "[archive]\nmode = \"{mode}\"\northanc = \"orthanc\"\npoll = \"50ms\"\nstale_after = \"1s\"\n\n\
             [[peer]]\nname = \"orthanc\"\nkind = \"orthanc\"\nurl = \"{}\"\n",
            self.peer.url
        )
    }

    /// Requests that changed something: method and path.
    pub(super) fn writes(&self) -> Vec<String> {
        let requests = self.peer.requests().into_iter();
        let writes = requests.filter(|request| request.method != "GET" && request.target != "/tools/find");
        writes.map(|request| format!("{} {}", request.method, request.target)).collect()
    }
}

impl State {
    /// Puts a file in as another client would.
    pub(super) fn put(&mut self, file: &[u8]) -> String {
        let (uid, study) = uids(file);
        let id = id_of(&uid);
        self.instances.push((id.clone(), study, file.to_vec()));
        self.seq += 1;
        self.changes.push((self.seq, id.clone()));
        id
    }

    /// Takes an instance away, and the changes that spoke of it.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let before = self.instances.len();
        self.instances.retain(|(other, ..)| other != id);
        self.changes.retain(|(_, other)| other != id);
        self.instances.len() < before
    }

    /// Forgets what has changed.
    pub(super) fn forget_changes(&mut self) {
        self.changes.clear();
    }

    /// Becomes another, empty database.
    pub(super) fn begin_anew(&mut self) {
        self.instances.clear();
        self.changes.clear();
        self.seq = 0;
        self.born += 1;
    }

    pub(super) fn file(&self, uid: &str) -> Option<Vec<u8>> {
        let id = id_of(uid);
        self.instances.iter().find(|(other, ..)| *other == id).map(|(.., file)| file.clone())
    }

    fn answer(&mut self, request: &Received) -> Reply {
        if self.is_away {
            return (503, "text/plain", Vec::new());
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let parameter = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse::<usize>().ok())
        };
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["system"]) => json_of(&json!({"Version": "1.10.1"})),
            ("GET", ["statistics"]) => json_of(&json!({"CountInstances": self.instances.len()})),
            ("GET", ["changes"]) if query.contains("last") => json_of(&json!({"Changes": [], "Last": self.seq})),
            ("GET", ["changes"]) => {
                self.page(parameter("since").unwrap_or_default(), parameter("limit").unwrap_or(100))
            }
            ("GET", ["instances"]) => {
                let ids = self.instances.iter().map(|(id, ..)| id);
                let from = parameter("since").unwrap_or_default();
                let ids = ids.skip(from).take(parameter("limit").unwrap_or(100));
                json_of(&ids.map(|id| Value::from(id.as_str())).collect())
            }
            ("POST", ["instances"]) => self.store(&request.body),
            ("POST", ["tools", "find"]) => {
                let asked: Value = serde_json::from_slice(&request.body).expect("is JSON");
                let studies: Vec<&str> =
                    asked["Query"]["StudyInstanceUID"].as_str().expect("has studies").split('\\').collect();
                let found = self.instances.iter().filter(|(_, study, _)| studies.contains(&study.as_str()));
                json_of(&found.map(|(id, ..)| Value::from(id.as_str())).collect())
            }
            ("GET", ["instances", id, rest @ ..]) => {
                let Some((.., file)) = self.instances.iter().find(|(other, ..)| other == id) else { return absent() };
                if rest != ["file"] {
                    return json_of(&json!({"ID": id}));
                }
                let mut file = file.clone();
                if self.is_corrupt {
                    *file.last_mut().expect("has bytes") ^= 1;
                }
                (200, "application/dicom", file)
            }
            ("DELETE", ["instances", id]) => {
                if self.remove(id) {
                    json_of(&json!({}))
                } else {
                    absent()
                }
            }
            _ => absent(),
        }
    }

    fn page(&self, since: usize, limit: usize) -> Reply {
        let behind: Vec<_> = self.changes.iter().filter(|(seq, _)| *seq > since).collect();
        let shown = behind.iter().take(limit).map(|(seq, id)| {
            json!({"ChangeType": "NewInstance", "Date": format!("20261122T09000{}", self.born), "ID": id, "ResourceType": "Instance",
                   "Path": format!("/instances/{id}"), "Seq": seq})
        });
        json_of(&json!({
            "Changes": shown.collect::<Vec<_>>(), "Done": behind.len() <= limit,
            "Last": behind.iter().take(limit).next_back().map_or(since, |(seq, _)| *seq),
        }))
    }

    fn store(&mut self, file: &[u8]) -> Reply {
        if self.refuses {
            return (400, "application/json", b"{}".to_vec());
        }
        let id = id_of(&uids(file).0);
        let is_known = self.instances.iter().any(|(other, ..)| *other == id);
        if !is_known {
            self.put(file);
        }
        if self.loses_answers {
            return (503, "text/plain", Vec::new());
        }
        json_of(&json!({"ID": id, "Status": if is_known { "AlreadyStored" } else { "Success" }}))
    }
}

fn json_of(value: &Value) -> Reply {
    (200, "application/json", value.to_string().into_bytes())
}

fn absent() -> Reply {
    (404, "application/json", b"{}".to_vec())
}

/// SOP instance and study of a file.
fn uids(file: &[u8]) -> (String, String) {
    let (meta, rest) = MetaReader::default().write(file).expect("is readable").expect("is whole");
    let syntax = meta.transfer_syntax_uid.expect("has a transfer syntax");
    let mut scanner = Scanner::new(&syntax, &HeaderLimits::default()).expect("is known");
    scanner.write(&rest).expect("is readable");
    let identity = scanner.finish().expect("is whole").identity().expect("has UIDs");
    (identity.sop_instance_uid.as_str().to_owned(), identity.study_instance_uid.as_str().to_owned())
}

/// The id of an instance.
pub(super) fn id_of(uid: &str) -> String {
    let digest = causeway::base::Blake3::of(uid.as_bytes()).to_hex();
    format!("{}-{}", &digest[..8], &digest[8..16])
}
