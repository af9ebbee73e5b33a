//! Rules: what goes where by itself when a report comes into a state.

use causeway::access::Role;
use serde_json::json;

use super::{add_dimse, deliveries, line, settled};
use crate::each_backend;
use crate::support::samples::{create, short, text};
use crate::support::{Backend, Pacs, TestGateway, WILLING};

each_backend!(a_rule_sends_what_becomes_final, rules_of_the_configuration_hold_too, rules_are_held_to_their_form,);

async fn a_rule_sends_what_becomes_final(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let pacs = Pacs::start(WILLING).await;
    add_dimse(&gateway, "pacs", pacs.port).await;
    let admin = gateway.role(Role::Admin).await;
    let rules = json!({"rules": [
        {"name": "verified", "on": ["final", "amended"], "peers": ["pacs"], "formats": ["dicom-sr"]},
        {"name": "documents", "on": ["amended"], "peers": ["pacs"], "formats": ["dicom-pdf"]},
    ]});
    admin.put("/api/admin/rules", &rules).await.expect(204);
    assert_eq!(admin.get("/api/admin/rules").await.expect(200).json(), rules);

    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("preliminary")).await;
    let (given_up, _) = create(&doctor, &short("draft")).await;
    doctor.act(&format!("/api/reports/{given_up}/cancel")).await.expect(200);
    gateway.idle().await;
    assert!(deliveries(&doctor, &report).await.is_empty(), "not before it is verified");
    doctor.act(&format!("/api/reports/{report}/finalize")).await.expect(200);
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "sent")]);
    let body = json!({"report": short("amended")});
    doctor.post(&format!("/api/reports/{report}/amend"), &body).await.expect(200);
    gateway.idle().await;
    let found: Vec<(String, String)> = deliveries(&doctor, &report)
        .await
        .iter()
        .map(|delivery| (text(delivery, "format"), text(delivery, "reportVersion")))
        .collect();
    assert_eq!(found, [line("dicom-pdf", "3"), line("dicom-sr", "2"), line("dicom-sr", "3")]);
    assert!(deliveries(&doctor, &given_up).await.is_empty());
    let (begun, _) = create(&doctor, &short("final")).await;
    assert_eq!(settled(&doctor, &begun).await, [line("dicom-sr", "sent")], "also what comes in verified");

    admin.put("/api/admin/rules", &json!({"rules": []})).await.expect(204);
    let (quiet, _) = create(&doctor, &short("final")).await;
    gateway.idle().await;
    assert!(deliveries(&doctor, &quiet).await.is_empty());
}

async fn rules_of_the_configuration_hold_too(backend: Backend) {
    let pacs = Pacs::start(WILLING).await;
    let file = format!(
        "[[peer]]\nname = \"pacs\"\nkind = \"dimse\"\nhost = \"127.0.0.1\"\nport = {}\ncalled_ae_title = \"PACS\"\n\n\
         [[rule]]\nname = \"to-pacs\"\non = [\"final\"]\npeers = [\"pacs\"]\nformats = [\"dicom-sr\"]\n",
        pacs.port
    );
    let gateway = TestGateway::with(&backend, &[], &file).await;
    let doctor = gateway.radiologist().await;
    let (report, _) = create(&doctor, &short("final")).await;
    assert_eq!(settled(&doctor, &report).await, [line("dicom-sr", "sent")]);
    let admin = gateway.role(Role::Admin).await;
    assert_eq!(
        admin.get("/api/admin/rules").await.expect(200).json(),
        json!({"rules": []}),
        "those are the operator's"
    );

    // The rule is the default tenant's; the peer is everybody's.
    let north = gateway.add_tenant("north").await;
    let theirs = gateway.client(&north, crate::support::token("rad", &[Role::Radiologist])).await;
    let (other, _) = create(&theirs, &short("final")).await;
    gateway.idle().await;
    assert!(deliveries(&theirs, &other).await.is_empty());
    super::deliver(&theirs, &other, &["pacs"], &["dicom-sr"]).await;
    assert_eq!(settled(&theirs, &other).await, [line("dicom-sr", "sent")]);
}

async fn rules_are_held_to_their_form(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    add_dimse(&gateway, "pacs", 1).await;
    let admin = gateway.role(Role::Admin).await;
    let before = gateway.rows().await;
    let rule = json!({"name": "x", "on": ["final"], "peers": ["pacs"]});
    for (bad, named) in [
        (json!({"name": "", "on": ["done", "draft"], "peers": []}), vec!["name", "on[0]", "on[1]", "peers"]),
        (json!({"name": "x", "on": [], "peers": ["pacs", "nobody"]}), vec!["on", "peers[1]"]),
        (json!({"name": "x", "on": ["final"], "peers": ["pacs"], "formats": ["docx"]}), vec!["formats[0]"]),
        (json!({"name": "x", "on": ["final"], "peers": ["pacs"], "colour": 1}), vec!["colour"]),
        (json!({"name": 5, "on": "final", "peers": ["pacs"]}), vec!["name", "on"]),
        (json!({"on": ["final"]}), vec!["name", "peers"]),
    ] {
        let refused = admin.put("/api/admin/rules", &json!({"rules": [rule, bad]})).await.expect(400);
        let wanted: Vec<String> = named.iter().map(|name| format!("rules[1].{name}")).collect();
        assert_eq!(refused.named(), wanted, "{bad}");
    }
    assert_eq!(admin.put("/api/admin/rules", &json!({})).await.expect(400).named(), ["rules"]);
    assert_eq!(gateway.rows().await, before);

    let rules = json!({"rules": [rule]});
    admin.put("/api/admin/rules", &rules).await.expect(204);
    let read = admin.get("/api/admin/rules").await.expect(200);
    assert_eq!(read.tag(), r#"W/"1""#);
    admin.put_at("/api/admin/rules", &read.tag(), &rules).await.expect(204);
    admin.put_at("/api/admin/rules", &read.tag(), &rules).await.expect(412);
    for role in [Role::Radiologist, Role::Integrator] {
        let other = gateway.role(role).await;
        other.get("/api/admin/rules").await.expect(200);
        other.put("/api/admin/rules", &rules).await.expect(403);
    }
}
