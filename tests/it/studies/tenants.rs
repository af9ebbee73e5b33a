//! Two hospitals know nothing of each other, and nobody gets what they may not have.

use causeway::access::Role;
use causeway::app::Services;
use causeway::base::TenantId;
use causeway::dicom::query::{Level, Query};
use causeway::ops::Error;

use super::{archivist, archivist_of, fixture, scope_of, store};
use crate::each_backend;
use crate::support::{Backend, TestGateway};

each_backend!(tenants_know_nothing_of_each_other, roles_bound_what_is_done);

async fn tenants_know_nothing_of_each_other(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let other = gateway.add_tenant("north").await;
    let (ops, ours, theirs) = (gateway.ops(), archivist(), archivist_of(&other));
    let received = store(ops, &ours, &fixture("images/CT_small.dcm")).await;
    let scope = scope_of(&received);
    for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
        assert_eq!(ops.find_studies(&theirs, &Query::all(level, 10)).await.expect("may").rows.len(), 0);
        assert_eq!(ops.find_studies(&ours, &Query::all(level, 10)).await.expect("may").rows.len(), 1);
    }
    assert!(matches!(ops.held_instances(&theirs, &scope).await, Err(Error::NotFound)));
    assert!(matches!(ops.study_metadata(&theirs, &scope).await, Err(Error::NotFound)));
    assert!(matches!(ops.delete_study(&theirs, &scope).await, Err(Error::NotFound)));
    let uid = received.sop_instance_uid.clone().expect("was read");
    assert!(ops.instances_of(&theirs, std::slice::from_ref(&uid)).await.expect("may").is_empty());
    let held = ops.held_instances(&ours, &scope).await.expect("is there");
    assert!(ops.open_instance(&theirs, &held[0], None).await.is_err());
    // The same instance is another one there.
    let again = store(ops, &theirs, &fixture("images/CT_small.dcm")).await;
    assert!(!again.was_there && again.status.class().is_kept());
    assert_eq!(ops.delete_study(&theirs, &scope).await.expect("is there"), 1);
    assert_eq!(ops.held_instances(&ours, &scope).await.expect("is still there").len(), 1);
}

async fn roles_bound_what_is_done(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let ops = gateway.ops();
    let received = store(ops, &archivist(), &fixture("images/CT_small.dcm")).await;
    let role = |role| Services::command_actor(&TenantId::default_tenant(), &[role]);
    let clinician = role(Role::Clinician);
    assert!(ops.held_instances(&clinician, &scope_of(&received)).await.is_ok());
    // The command line acts as the gateway itself, which may store: what is there is taken again.
    let again = store(ops, &clinician, &fixture("images/CT_small.dcm")).await;
    assert!(again.was_there && again.status.class().is_kept(), "{}", again.status);
    assert!(matches!(ops.delete_study(&clinician, &scope_of(&received)).await, Err(Error::Denied(_))));
    assert!(ops.delete_study(&role(Role::Integrator), &scope_of(&received)).await.is_ok());
}
