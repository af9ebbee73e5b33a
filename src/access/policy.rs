//! The decision. Deny by default: a role must grant the operation, and where the token is narrowed by
//! scopes, a scope must cover it as well.

use super::{Actor, Context, Need, NeededScope, Operation, Principal};

/// Whether an actor may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// They may, within this extent.
    Allow(Extent),
    /// They may not.
    Deny(Denial),
}

/// How far an allowance reaches within the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Only what the actor began: rows whose owner is [`Principal::key`]. Others look absent.
    Own,
    /// All of the tenant.
    All,
}

/// Why an actor may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// None of their roles grants it.
    #[error("no role of the actor grants it")]
    Role,
    /// A role grants it, but the token is narrowed and leaves it out. Empty where no scope stands for it.
    #[error("the token is narrowed to other scopes")]
    Scope(Option<NeededScope>),
}

impl Decision {
    /// The extent if it is allowed, else why not.
    pub fn into_result(self) -> Result<Extent, Denial> {
        match self {
            Self::Allow(extent) => Ok(extent),
            Self::Deny(denial) => Err(denial),
        }
    }
}

/// Whether `actor` may do `operation`: the only door. An operation on a named resource type is decided
/// by [`decide_type`]; here it passes narrowed tokens only if a wildcard covers it.
pub fn decide(actor: &Actor, operation: Operation) -> Decision {
    decide_type(actor, operation, "*")
}

/// As [`decide`], for an operation on a resource type that the request names. Reading an AuditEvent is
/// reading the audit log, whichever door is used, and what becomes of a SearchParameter is up to those who run the
/// gateway: it changes how everything is found, and holds no patient data.
pub fn decide_type(actor: &Actor, operation: Operation, resource_type: &str) -> Decision {
    let reads = matches!(
        operation,
        Operation::FhirRead | Operation::FhirSearch | Operation::FhirHistory | Operation::FhirHistoryAll
    );
    let operation = match resource_type {
        "AuditEvent" if reads => Operation::AuditRead,
        "SearchParameter" => match operation {
            Operation::FhirRead | Operation::FhirHistory => Operation::SearchParameterRead,
            Operation::FhirSearch | Operation::FhirHistoryAll => Operation::SearchParameterFind,
            Operation::FhirCreate => Operation::SearchParameterAdd,
            Operation::FhirUpdate => Operation::SearchParameterChange,
            Operation::FhirDelete => Operation::SearchParameterRemove,
            other => other,
        },
        _ => operation,
    };
    let need = operation.need();
    if need == Need::Public {
        return Decision::Allow(Extent::All);
    }
    let of_gateway = match actor.principal {
        Principal::System(_) => operation.granted_to_gateway(),
        Principal::User { .. } | Principal::Client { .. } | Principal::ApplicationEntity { .. } => None,
    };
    let of_roles = actor.roles.iter().filter_map(|role| operation.granted_to(*role)).max();
    let Some(extent) = of_roles.max(of_gateway) else {
        return Decision::Deny(Denial::Role);
    };
    let needed = match need {
        Need::Public | Need::WholeToken | Need::Parts => None,
        Need::Scope(named, permission) => Some((named, permission)),
        Need::ScopeOfNamedType(permission) => Some((resource_type, permission)),
    };
    let needed = needed.map(|(resource_type, permission)| NeededScope {
        context: context_of(&actor.principal),
        resource_type: resource_type.into(),
        permission,
    });
    let covered = match &needed {
        Some(needed) => actor.scopes.cover(needed),
        None => need == Need::Parts || !actor.scopes.is_restricted(),
    };
    if covered { Decision::Allow(extent) } else { Decision::Deny(Denial::Scope(needed)) }
}

/// A user's token is narrowed by `user/` scopes, a client's own by `system/` ones. SMART 2 §scopes.
fn context_of(principal: &Principal) -> Context {
    match principal {
        Principal::User { .. } => Context::User,
        Principal::Client { .. } | Principal::ApplicationEntity { .. } | Principal::System(_) => Context::System,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ClientId, RequestId, Role, Scopes, UserId};
    use super::*;
    use crate::base::TenantId;

    fn user(roles: &[Role]) -> Actor {
        let request_id = RequestId::parse("r").expect("valid");
        let mut actor = Actor::system(TenantId::default_tenant(), "x", request_id).with_roles(roles);
        actor.principal = Principal::User { id: UserId::parse("u").expect("valid"), name: None };
        actor
    }

    fn allowed(actor: &Actor, operation: Operation) -> bool {
        matches!(decide(actor, operation), Decision::Allow(_))
    }

    #[test]
    fn without_a_role_only_public_operations_are_allowed() {
        for operation in Operation::ALL {
            assert_eq!(allowed(&user(&[]), *operation), operation.is_public(), "{operation}");
        }
    }

    #[test]
    fn those_who_run_or_watch_the_gateway_see_no_report() {
        let of_patients = [
            Operation::ReportCreate,
            Operation::ReportImport,
            Operation::ReportRead,
            Operation::ReportList,
            Operation::ReportHistory,
            Operation::ReportUpdate,
            Operation::ExportStart,
            Operation::ExportDownload,
            Operation::ReportDeliver,
            Operation::FhirRead,
            Operation::FhirCreate,
            Operation::FhirUpdate,
            Operation::FhirDelete,
            Operation::FhirHistory,
            Operation::FhirHistoryAll,
            Operation::FhirSearch,
            Operation::FhirBundle,
        ];
        for operation in of_patients {
            assert!(!allowed(&user(&[Role::Admin, Role::Auditor]), operation), "{operation}");
        }
    }

    #[test]
    fn only_a_radiologist_answers_for_a_report() {
        for operation in [Operation::ReportFinalize, Operation::ReportAmend, Operation::ReportEnterInError] {
            for role in Role::ALL {
                assert_eq!(allowed(&user(&[role]), operation), role == Role::Radiologist, "{role} {operation}");
            }
            let gateway = Actor::system(TenantId::default_tenant(), "x", RequestId::parse("r").expect("valid"));
            assert!(!allowed(&gateway, operation), "{operation}");
        }
    }

    #[test]
    fn the_audit_log_is_read_by_auditors_only_and_they_do_nothing_else() {
        for role in Role::ALL {
            assert_eq!(allowed(&user(&[role]), Operation::AuditRead), role == Role::Auditor, "{role}");
        }
        for operation in Operation::ALL.iter().filter(|operation| !operation.is_public()) {
            let of_audit = matches!(operation, Operation::AuditRead | Operation::AuditVerify);
            assert_eq!(allowed(&user(&[Role::Auditor]), *operation), of_audit, "{operation}");
        }
    }

    #[test]
    fn the_widest_of_several_roles_counts() {
        let clinician = user(&[Role::Clinician]);
        assert_eq!(decide(&clinician, Operation::ExportDownload), Decision::Allow(Extent::Own));
        let both = user(&[Role::Clinician, Role::Radiologist]);
        assert_eq!(decide(&both, Operation::ExportDownload), Decision::Allow(Extent::All));
    }

    #[test]
    fn scopes_narrow_and_never_widen() {
        let mut clinician = user(&[Role::Clinician]);
        clinician.scopes = Scopes::parse("user/*.cruds");
        assert!(allowed(&clinician, Operation::ReportRead));
        assert!(!allowed(&clinician, Operation::ReportFinalize));
        clinician.scopes = Scopes::parse("user/Patient.r");
        let needed = NeededScope {
            context: Context::User,
            resource_type: "DiagnosticReport".into(),
            permission: super::super::Permission::Read,
        };
        assert_eq!(decide(&clinician, Operation::ReportRead), Decision::Deny(Denial::Scope(Some(needed))));
        assert_eq!(decide_type(&clinician, Operation::FhirRead, "Patient"), Decision::Allow(Extent::All));
        assert!(matches!(decide_type(&clinician, Operation::FhirRead, "Observation"), Decision::Deny(_)));
        assert!(!allowed(&clinician, Operation::FhirRead), "no type named: the wildcard is needed");
    }

    #[test]
    fn audit_events_are_not_read_as_if_they_were_any_resource() {
        for role in Role::ALL {
            let decision = decide_type(&user(&[role]), Operation::FhirRead, "AuditEvent");
            assert_eq!(matches!(decision, Decision::Allow(_)), role == Role::Auditor, "{role}");
        }
    }

    #[test]
    fn a_narrowed_token_never_issues_tokens() {
        let mut admin = user(&[Role::Admin]);
        assert!(allowed(&admin, Operation::TokenMint));
        admin.scopes = Scopes::parse("user/*.cruds");
        assert_eq!(decide(&admin, Operation::TokenMint), Decision::Deny(Denial::Scope(None)));
    }

    #[test]
    fn a_clients_token_is_narrowed_by_system_scopes() {
        let mut client = user(&[Role::Integrator]);
        client.principal = Principal::Client { id: ClientId::parse("ris").expect("valid") };
        client.scopes = Scopes::parse("system/DiagnosticReport.c");
        assert!(allowed(&client, Operation::ReportCreate));
        client.scopes = Scopes::parse("user/DiagnosticReport.c");
        assert!(!allowed(&client, Operation::ReportCreate));
    }

    proptest! {
        #[test]
        fn no_scope_claim_allows_what_the_roles_do_not(
            claim in "((user|system|patient)/(\\*|[A-Z][a-z]{0,8}|DiagnosticReport|AuditEvent)\\.(c?r?u?d?s?|\\*|read) ?){0,4}",
            role in 0_usize..5,
        ) {
            let plain = user(&[Role::ALL[role]]);
            let mut narrowed = plain.clone();
            narrowed.scopes = Scopes::parse(&claim);
            for operation in Operation::ALL {
                prop_assert!(allowed(&plain, *operation) || !allowed(&narrowed, *operation));
            }
        }
    }
}
