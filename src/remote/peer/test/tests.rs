use super::*;
use crate::base::Secret;
use crate::remote::peer::Auth;
use crate::remote::testing::{Reply, Request, Server, clock};

fn everything() -> Trial {
    Trial { stores: true, origin: Some("https://viewer.example".to_owned()) }
}

fn texts(report: &PeerReport, level: Level) -> Vec<&str> {
    report.findings.iter().filter(|finding| finding.level == level).map(|finding| finding.text.as_str()).collect()
}

fn one_study() -> Reply {
    Reply::json(200, &serde_json::json!([{"0020000D": {"vr": "UI", "Value": [object::STUDY_UID]}}]))
}

fn has(request: &Request, name: &str, value: &str) -> bool {
    request.header(name).is_some_and(|own| own == value)
}

/// An archive that can do everything.
fn able(request: &Request) -> Reply {
    match request.method.as_str() {
        "OPTIONS" => Reply::new(204, "")
            .with("Access-Control-Allow-Origin", "https://viewer.example")
            .with("Access-Control-Allow-Headers", "Accept, Authorization"),
        "POST" => Reply::new(200, ""),
        "DELETE" => Reply::new(204, ""),
        _ if request.target.ends_with("/metadata") => one_study(),
        _ if has(request, "accept", "application/dicom") => Reply::new(200, [vec![0; 128], b"DICM".to_vec()].concat()),
        _ if request.header("accept").is_some_and(|accept| accept.starts_with("multipart")) => {
            Reply::new(200, "--x\r\n\r\n\r\n--x--\r\n")
        }
        _ => one_study(),
    }
}

/// One that knows the standard by half.
fn unable(request: &Request) -> Reply {
    let is_list = request.header("accept").is_some_and(|accept| accept.contains(", "));
    match request.method.as_str() {
        "OPTIONS" => Reply::new(401, ""),
        "DELETE" => Reply::new(405, ""),
        "GET" if is_list => Reply::new(400, ""),
        "GET" if has(request, "accept", "application/dicom") => Reply::new(200, "<html>"),
        _ => able(request),
    }
}

#[tokio::test]
async fn an_archive_that_can_do_everything_is_left_as_it_was() {
    let server = Server::start(able).await;
    let mut settings = server.settings(PeerKind::Dicomweb);
    settings.auth = Auth::Bearer { token: Secret::new("abc") };
    let report = test(&settings, clock(), &everything()).await;
    assert!(report.is_good());
    assert_eq!(texts(&report, Level::Notice), ["credentials travel unencrypted: url is http"]);
    let good = texts(&report, Level::Good);
    for part in ["has taken the test object", "finds the test object", "as one file", "deleted", "with a token (CORS)"]
    {
        assert!(good.iter().any(|text| text.contains(part)), "{part} in {good:?}");
    }
    let requests = server.requests();
    let of = |method: &str| requests.iter().filter(|request| request.method == method).collect::<Vec<_>>();
    assert_eq!((of("POST").len(), of("DELETE").len(), of("OPTIONS").len()), (1, 1, 1));
    assert_eq!(of("DELETE")[0].target, format!("/base/studies/{}", object::STUDY_UID));
    // A browser asks without credentials whether it may ask with them.
    assert!(of("OPTIONS")[0].header("authorization").is_none() && of("POST")[0].header("authorization").is_some());
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_helps() {
    let server = Server::start(unable).await;
    let report = test(&server.settings(PeerKind::Dicomweb), clock(), &everything()).await;
    assert!(report.is_good(), "deliveries work");
    let notices = texts(&report, Level::Notice).join("\n");
    for part in [
        "does not give metadata where the Accept has a list: status 400",
        "answers 200 to a request for an instance as one file, and gives something else",
        "stays there (status 405 to DELETE): delete it by hand",
        "let OPTIONS through without",
    ] {
        assert!(notices.contains(part), "{part} in {notices}");
    }
}

#[tokio::test]
async fn nothing_is_stored_unless_it_is_wanted() {
    let server = Server::start(able).await;
    assert!(test(&server.settings(PeerKind::Dicomweb), clock(), &Trial::default()).await.is_good());
    assert!(server.requests().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn what_an_orthanc_has_taken_is_deleted_there() {
    let server = Server::start(|request| match (request.method.as_str(), request.target.as_str()) {
        (_, "/base/system") => Reply::json(200, &serde_json::json!({"Version": "1.12.4"})),
        (_, "/base/plugins") => Reply::json(200, &serde_json::json!(["explorer.js"])),
        (_, "/base/instances") => Reply::json(200, &serde_json::json!({"Status": "Success", "ID": "i"})),
        (_, "/base/tools/lookup") => {
            Reply::json(200, &serde_json::json!([{"Type": "Series", "ID": "e"}, {"Type": "Study", "ID": "s"}]))
        }
        ("DELETE", "/base/studies/s") => Reply::json(200, &serde_json::json!({})),
        _ => Reply::new(404, ""),
    })
    .await;
    let report = test(&server.settings(PeerKind::Orthanc), clock(), &everything()).await;
    assert!(report.is_good(), "{report:?}");
    assert!(texts(&report, Level::Good).contains(&"finds the test object, and has deleted it again"));
    assert!(texts(&report, Level::Notice).iter().any(|text| text.contains("no DICOMweb plugin")));
    let lookup = server.requests().into_iter().find(|request| request.target.ends_with("lookup")).expect("asked");
    assert_eq!(lookup.text(), object::STUDY_UID);
}

#[test]
fn a_refusal_says_what_helps() {
    use crate::dicom::status::{StoreOutcome, StoreStatus};
    let (class, uid) = (object::uid(object::SOP_CLASS_UID), object::uid(object::INSTANCE_UID));
    let (class, uid) = (class.expect("is one"), uid.expect("is one"));
    let outcome = StoreOutcome::answered(&class, &uid, StoreStatus(0xA700), Some("disk full"));
    assert!(dimse::refusal(&outcome).ends_with("A700H out of resources, disk full: it has no room; look at its disk"));
    let outcome = StoreOutcome::answered(&class, &uid, StoreStatus(0x0117), None);
    assert!(dimse::refusal(&outcome).ends_with("0117H invalid SOP instance"));
}

#[test]
fn versions_of_orthanc_are_compared_as_numbers() {
    for good in ["1.9.4", "1.10.1", "1.12.10", "2.0", "mainline"] {
        assert!(at_least_1_9_4(good), "{good}");
    }
    for bad in ["1.9.3", "1.8.12", "", "x"] {
        assert!(!at_least_1_9_4(bad), "{bad}");
    }
}
