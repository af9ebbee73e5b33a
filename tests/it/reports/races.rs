//! Changes that meet.

use std::sync::Arc;

use serde_json::json;

use crate::each_backend;
use crate::support::samples::{create, items, measured, saying, short, with};
use crate::support::{Backend, Client, TestGateway};

each_backend!(
    an_id_is_taken_once,
    of_many_updates_of_one_version_one_wins,
    changes_without_a_version_all_count,
    a_report_that_is_being_verified_is_not_deleted,
    reports_on_one_patient_may_come_together,
);

async fn all<T: Send + 'static>(tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let mut running = tokio::task::JoinSet::new();
    for task in tasks {
        running.spawn(task);
    }
    running.join_all().await
}

fn count(statuses: &[u16], wanted: u16) -> usize {
    statuses.iter().filter(|status| **status == wanted).count()
}

async fn an_id_is_taken_once(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = Arc::new(gateway.radiologist().await);
    let statuses = all((0..8).map(|number| {
        let (doctor, report) =
            (Arc::clone(&doctor), saying(with(short("draft"), "/id", "one"), &format!("no {number}")));
        async move { doctor.post("/api/reports", &report).await.status }
    }))
    .await;
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 7), "{statuses:?}");
    assert_eq!(doctor.get("/api/reports/one").await.expect(200).tag(), r#"W/"1""#);
}

async fn of_many_updates_of_one_version_one_wins(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = Arc::new(gateway.radiologist().await);
    let (id, tag) = create(&doctor, &measured("draft")).await;
    let path = format!("/api/reports/{id}");
    let statuses = all((0..8).map(|number| {
        let (doctor, path, tag) = (Arc::clone(&doctor), path.clone(), tag.clone());
        let report = saying(measured("draft"), &format!("no {number}"));
        async move { doctor.put_at(&path, &tag, &report).await.status }
    }))
    .await;
    assert_eq!((count(&statuses, 200), count(&statuses, 412)), (1, 7), "{statuses:?}");
    assert_eq!(items(&doctor.get(&format!("{path}/history")).await).len(), 2);
}

async fn changes_without_a_version_all_count(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = Arc::new(gateway.radiologist().await);
    let (id, _) = create(&doctor, &short("final")).await;
    let path = format!("/api/reports/{id}");
    let statuses = all((0..3).map(|number| {
        let (doctor, path) = (Arc::clone(&doctor), format!("{path}/amend"));
        let body = json!({"report": saying(short("amended"), &format!("no {number}"))});
        async move { doctor.post(&path, &body).await.status }
    }))
    .await;
    assert_eq!(count(&statuses, 200), 3, "{statuses:?}");
    assert_eq!(items(&doctor.get(&format!("{path}/history")).await).len(), 4);
}

/// Whoever comes first, a report that someone was told is verified is never gone.
async fn a_report_that_is_being_verified_is_not_deleted(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = Arc::new(gateway.radiologist().await);
    for _ in 0..12 {
        let (id, _) = create(&doctor, &short("draft")).await;
        let path = format!("/api/reports/{id}");
        let verify = {
            let (doctor, path) = (Arc::clone(&doctor), format!("{path}/finalize"));
            tokio::spawn(async move { doctor.act(&path).await.status })
        };
        let delete = {
            let (doctor, path) = (Arc::clone(&doctor), path.clone());
            tokio::spawn(async move { doctor.delete(&path).await.status })
        };
        let (verified, deleted) = (verify.await.expect("answers"), delete.await.expect("answers"));
        let read = doctor.get(&path).await;
        match (verified, deleted) {
            (200, 422) => assert_eq!(read.expect(200).json()["status"], "final"),
            (410, 204) => assert_eq!(read.status, 410),
            other => panic!("{other:?}"),
        }
    }
}

/// They share the Patient, and the one who comes second must not stumble over the first.
async fn reports_on_one_patient_may_come_together(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let doctor = Arc::new(gateway.radiologist().await);
    let ids = all((0..6).map(|number| {
        let doctor: Arc<Client> = Arc::clone(&doctor);
        let report = with(short("preliminary"), "/patient/birthDate", format!("1990-03-0{}", number + 1));
        async move { create(&doctor, &report).await.0 }
    }))
    .await;
    for id in ids {
        let report = doctor.get(&format!("/api/reports/{id}")).await.expect(200).json();
        assert_eq!(report["id"], id.as_str());
    }
    let patients = gateway.database.count("select count(*) from resource where resource_type = 'Patient'").await;
    assert_eq!(patients, 1);
}
