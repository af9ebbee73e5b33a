//! C-STORE: every instance gets the state that the peer's own status gives it.

use serde_json::{Value, json};

use super::{add_dimse, deliver, deliveries, line, settled, waiting};
use crate::each_backend;
use crate::support::samples::{create, measured, short, text};
use crate::support::{Backend, Manner, Pacs, TestGateway, WILLING};

each_backend!(
    instances_arrive_as_they_are,
    each_instance_has_the_state_that_the_peer_answered,
    a_peer_that_is_away_is_waited_for,
    a_peer_that_has_no_room_is_asked_again,
    what_is_given_up_can_be_sent_again,
    what_is_refused_can_be_sent_again,
    what_was_ordered_is_sent_once,
    peers_are_told_apart,
);

const SR: &str = "1.2.840.10008.5.1.4.1.1.88.33";
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
const KEY_OBJECT: &str = "1.2.840.10008.5.1.4.1.1.88.59";

async fn instances_arrive_as_they_are(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let pacs = Pacs::start(WILLING).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;

    let ordered = deliver(&doctor, &report, &["pacs"], &[]).await;
    let mut forms: Vec<String> = ordered.iter().map(|delivery| text(delivery, "format")).collect();
    forms.sort();
    assert_eq!(forms, ["dicom-ko", "dicom-pdf", "dicom-sr"], "there are key images");
    assert!(ordered.iter().all(|delivery| delivery["reportVersion"] == "1" && delivery["peer"] == "pacs"));
    let states = settled(&doctor, &report).await;
    assert_eq!(states, [line("dicom-ko", "sent"), line("dicom-pdf", "sent"), line("dicom-sr", "sent")]);

    let stored = pacs.stored();
    assert_eq!(stored.len(), 3, "each once");
    assert!(stored.iter().all(|instance| instance.calling_ae_title == "CAUSEWAY"));
    for delivery in deliveries(&doctor, &report).await {
        let uid = text(&delivery, "sopInstanceUID");
        let form = text(&delivery, "format");
        let arrived = stored.iter().find(|instance| instance.sop_instance_uid == uid).expect("is there");
        let file = doctor.get(&format!("/api/reports/{report}/versions/1/{form}")).await.expect(200);
        assert!(file.body.ends_with(&arrived.data_set), "{form}: byte for byte");
        assert_eq!((&delivery["answer"], &delivery["attempts"]), (&json!("0000H success"), &json!(1)));
        assert!(delivery["finishedAt"].is_string() && delivery.get("nextAttemptAt").is_none(), "{delivery}");
    }
    let (plain, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &plain, &["pacs"], &[]).await;
    assert_eq!(settled(&doctor, &plain).await, [line("dicom-pdf", "sent"), line("dicom-sr", "sent")]);
}

async fn each_instance_has_the_state_that_the_peer_answered(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let manner =
        Manner { takes: |class| class != KEY_OBJECT, status: |class| if class == SR { 0xB000 } else { 0xA900 } };
    let pacs = Pacs::start(manner).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    deliver(&doctor, &report, &["pacs"], &["dicom-sr", "dicom-pdf", "dicom-ko"]).await;
    let states = settled(&doctor, &report).await;
    let wanted = [line("dicom-ko", "refused"), line("dicom-pdf", "refused"), line("dicom-sr", "sent-with-warning")];
    assert_eq!(states, wanted);
    let answers: Vec<String> =
        deliveries(&doctor, &report).await.iter().map(|delivery| text(delivery, "answer")).collect();
    assert!(answers[0].contains("not accepted") || answers[0].contains("abstract syntax"), "{answers:?}");
    assert!(answers[1].starts_with("A900H") && answers[2].starts_with("B000H"), "{answers:?}");
    assert!(pacs.stored().iter().all(|instance| instance.sop_class_uid != KEY_OBJECT), "never sent at all");
    assert!(pacs.stored().iter().any(|instance| instance.sop_class_uid == ENCAPSULATED_PDF));

    let all = doctor.get("/api/deliveries?state=refused&limit=1").await.expect(200);
    assert!(all.json()["next"].is_string());
    let peer = doctor.get("/api/deliveries?peer=pacs&state=sent-with-warning").await.expect(200).json();
    assert_eq!(peer["items"].as_array().map(Vec::len), Some(1));
    for (query, named) in [("state=lost", "state"), ("peer=No%20Name", "peer"), ("colour=red", "colour")] {
        assert_eq!(doctor.get(&format!("/api/deliveries?{query}")).await.expect(400).named(), [named]);
    }
}

async fn a_peer_that_is_away_is_waited_for(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["jobs.max_attempts=1000"], "").await;
    let port = Pacs::start(WILLING).await.port;
    tokio::task::yield_now().await;
    add_dimse(&gateway, "pacs", port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["pacs"], &["dicom-sr"]).await;
    let away = waiting(&doctor, &report).await;
    assert!(text(&away, "answer").contains("connect"), "{away}");
    assert!(away.get("finishedAt").is_none());
    let pacs = Pacs::start_at(port, WILLING).await;
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "sent")]);
    assert_eq!(pacs.stored().len(), 1);
}

async fn a_peer_that_has_no_room_is_asked_again(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["jobs.max_attempts=1000"], "").await;
    let pacs = Pacs::start(Manner { status: |class| if class == SR { 0xA700 } else { 0 }, ..WILLING }).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    deliver(&doctor, &report, &["pacs"], &["dicom-sr", "dicom-pdf"]).await;
    let waits = waiting(&doctor, &report).await;
    assert!(text(&waits, "answer").starts_with("A700H"), "{waits}");
    pacs.behave(WILLING);
    assert_eq!(settled(&doctor, &report).await, [line("dicom-pdf", "sent"), line("dicom-sr", "sent")]);
    let pdfs = pacs.stored().iter().filter(|instance| instance.sop_class_uid == ENCAPSULATED_PDF).count();
    assert_eq!(pdfs, 1, "what the peer has is not sent again");
}

async fn what_is_given_up_can_be_sent_again(backend: Backend) {
    let gateway = TestGateway::with(&backend, &["jobs.max_attempts=2"], "").await;
    let port = Pacs::start(WILLING).await.port;
    tokio::task::yield_now().await;
    add_dimse(&gateway, "pacs", port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["pacs"], &["dicom-sr"]).await;
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "dead")]);
    let dead = deliveries(&doctor, &report).await.remove(0);
    assert_eq!(dead["attempts"], 2, "{dead}");
    assert!(text(&dead, "answer").contains("connect"), "{dead}");
    assert!(dead["finishedAt"].is_string());

    let pacs = Pacs::start_at(port, WILLING).await;
    let resend = format!("/api/deliveries/{}/resend", text(&dead, "id"));
    let again = doctor.act(&resend).await.expect(202).json();
    assert_eq!(again["id"], dead["id"]);
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "sent")]);
    assert_eq!(pacs.stored().len(), 1);
    doctor.act(&resend).await.expect(409);
    doctor.act("/api/deliveries/nothing/resend").await.expect(404);
}

async fn what_is_refused_can_be_sent_again(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let pacs = Pacs::start(Manner { status: |_| 0xC000, ..WILLING }).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["pacs"], &["dicom-sr"]).await;
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "refused")]);
    assert_eq!(pacs.stored().len(), 1, "a refusal is not argued with");
    pacs.behave(WILLING);
    let refused = deliveries(&doctor, &report).await.remove(0);
    doctor.act(&format!("/api/deliveries/{}/resend", text(&refused, "id"))).await.expect(202);
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "sent")]);
    let stored = pacs.stored();
    assert!(stored.len() == 2 && stored[0] == stored[1], "the same instance, byte for byte");
}

/// However often and however fast it is ordered.
async fn what_was_ordered_is_sent_once(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let pacs = Pacs::start(WILLING).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &measured("final")).await;
    let mut orders = tokio::task::JoinSet::new();
    for forms in [&["dicom-sr"][..], &["dicom-sr", "dicom-pdf"], &["dicom-sr", "dicom-sr"], &[], &["dicom-pdf"]] {
        let (doctor, report) = (doctor.clone(), report.clone());
        orders.spawn(async move { deliver(&doctor, &report, &["pacs", "pacs"], forms).await });
    }
    orders.join_all().await;
    settled(&doctor, &report).await;
    gateway.idle().await;
    let mut uids: Vec<String> = pacs.stored().into_iter().map(|instance| instance.sop_instance_uid).collect();
    uids.sort();
    let sent = uids.len();
    uids.dedup();
    assert_eq!((sent, uids.len()), (3, 3), "each instance once");
    let failed = gateway.database.count("select count(*) from job where state = 'failed'").await;
    assert_eq!(failed, 0);
    let before = pacs.stored().len();
    deliver(&doctor, &report, &["pacs"], &["dicom-sr"]).await;
    gateway.idle().await;
    assert_eq!(pacs.stored().len(), before, "what was sent is not sent again");
}

async fn peers_are_told_apart(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let willing = Pacs::start(WILLING).await;
    let picky = Pacs::start(Manner { status: |_| 0x0122, ..WILLING }).await;
    add_dimse(&gateway, "willing", willing.port).await;
    add_dimse(&gateway, "picky", picky.port).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    deliver(&doctor, &report, &["willing", "picky"], &["dicom-sr"]).await;
    settled(&doctor, &report).await;
    let found: Vec<(String, String)> = deliveries(&doctor, &report)
        .await
        .iter()
        .map(|delivery: &Value| (text(delivery, "peer"), text(delivery, "state")))
        .collect();
    assert_eq!(found, [line("picky", "refused"), line("willing", "sent")]);
    assert_eq!(willing.stored()[0].sop_instance_uid, picky.stored()[0].sop_instance_uid);

    // Another version is another delivery.
    let body = json!({"report": short("amended")});
    doctor.post(&format!("/api/reports/{report}/amend"), &body).await.expect(200);
    deliver(&doctor, &report, &["willing"], &["dicom-sr"]).await;
    settled(&doctor, &report).await;
    let stored = willing.stored();
    assert_eq!(stored.len(), 2);
    assert_ne!(stored[0].sop_instance_uid, stored[1].sop_instance_uid);
}
