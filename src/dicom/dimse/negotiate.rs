//! What is answered to the presentation contexts, roles and extended negotiations of an association
//! request. PS3.8 §9.3.3, PS3.7 §D.3.3.4, §D.3.3.5.

use super::associate::{
    AssociateAccept, AssociateRequest, ContextAnswer, ContextProposal, ContextResult, ExtendedNegotiation,
    RoleSelection, UserInformation,
};
use super::service::Service;
use super::syntax::{MESSAGE_SYNTAXES, preferred_for_storage};
use crate::dicom::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};

/// What a caller is offered.
#[expect(clippy::struct_excessive_bools, reason = "each is one right of the caller, in any combination")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Whether it may store, and have storage committed.
    pub store: bool,
    /// Whether it may query.
    pub find: bool,
    /// Whether it may retrieve.
    pub retrieve: bool,
    /// Whether abstract syntaxes that are in no dictionary are taken for storage.
    pub unknown_sop_classes: bool,
    /// Transfer syntaxes that are taken for storage beyond the usual ones.
    pub other_transfer_syntaxes: Vec<String>,
    /// Greatest length of a P-DATA-TF body that we take.
    pub max_pdu_bytes: u32,
}

/// A presentation context that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Presentation context id.
    pub id: u8,
    /// What it is for.
    pub service: Service,
    /// Abstract syntax.
    pub sop_class_uid: String,
    /// Transfer syntax of its data sets.
    pub transfer_syntax_uid: String,
    /// Whether the requestor asks for the service on it.
    pub requestor_is_scu: bool,
    /// Whether the requestor provides the service on it, as in C-GET.
    pub requestor_is_scp: bool,
    /// What was agreed on by extended negotiation; empty where nothing was.
    pub extended: Vec<u8>,
}

/// The answer to `request`, and the contexts that it accepts.
pub fn negotiate(request: &AssociateRequest, offered: &Offered) -> (AssociateAccept, Vec<Context>) {
    let mut contexts = Vec::new();
    let mut roles: Vec<RoleSelection> = Vec::new();
    let mut answers = Vec::with_capacity(request.contexts.len());
    for proposal in &request.contexts {
        let proposed = request.user.roles.iter().rev().find(|role| role.sop_class_uid == proposal.abstract_syntax);
        let result = accept(proposal, proposed, offered);
        let (result, transfer_syntax) = match result {
            Ok(context) => {
                if proposed.is_some() && !roles.iter().any(|role| role.sop_class_uid == context.sop_class_uid) {
                    roles.push(RoleSelection {
                        sop_class_uid: context.sop_class_uid.clone(),
                        scu: context.requestor_is_scu,
                        scp: context.requestor_is_scp,
                    });
                }
                let transfer_syntax = context.transfer_syntax_uid.clone();
                contexts.push(context);
                (ContextResult::ACCEPTED, transfer_syntax)
            }
            Err(result) => (result, proposal.transfer_syntaxes.first().cloned().unwrap_or_default()),
        };
        answers.push(ContextAnswer { id: proposal.id, result, transfer_syntax });
    }
    let is_accepted = |proposed: &&ExtendedNegotiation| {
        contexts.iter().any(|context| context.sop_class_uid == proposed.sop_class_uid)
    };
    let extended: Vec<_> = request.user.extended.iter().filter(is_accepted).filter_map(extended_answer).collect();
    for context in &mut contexts {
        if let Some(agreed) = extended.iter().find(|agreed| agreed.sop_class_uid == context.sop_class_uid) {
            context.extended.clone_from(&agreed.information);
        }
    }
    let accept = AssociateAccept {
        called: request.called,
        calling: request.calling,
        contexts: answers,
        user: UserInformation {
            max_pdu_bytes: Some(offered.max_pdu_bytes),
            implementation_class_uid: Some(IMPLEMENTATION_CLASS_UID.to_owned()),
            implementation_version: Some(IMPLEMENTATION_VERSION_NAME.to_owned()),
            roles,
            extended,
        },
    };
    (accept, contexts)
}

fn accept(
    proposal: &ContextProposal,
    role: Option<&RoleSelection>,
    offered: &Offered,
) -> Result<Context, ContextResult> {
    let service = Service::of(&proposal.abstract_syntax);
    let unknown = || (offered.unknown_sop_classes && is_private(&proposal.abstract_syntax)).then_some(Service::Storage);
    let service = service.or_else(unknown).ok_or(ContextResult::ABSTRACT_SYNTAX)?;
    let (wants_scu, wants_scp) = role.map_or((true, false), |role| (role.scu, role.scp));
    let may_use = match service {
        Service::Verification => true,
        Service::Storage | Service::StorageCommitment => offered.store,
        Service::Find(_) => offered.find,
        Service::Move(_) | Service::Get(_) => offered.retrieve,
    };
    let requestor_is_scu = wants_scu && may_use;
    // To be sent instances on this association is the only other way round that there is a use for.
    let requestor_is_scp = wants_scp && service == Service::Storage && offered.retrieve;
    if !requestor_is_scu && !requestor_is_scp {
        return Err(ContextResult::USER_REJECTION);
    }
    let transfer_syntax_uid = match service {
        Service::Storage => preferred_for_storage(&proposal.transfer_syntaxes, &offered.other_transfer_syntaxes),
        _ => MESSAGE_SYNTAXES
            .iter()
            .copied()
            .find(|syntax| proposal.transfer_syntaxes.iter().any(|offer| offer == syntax)),
    };
    Ok(Context {
        id: proposal.id,
        service,
        sop_class_uid: proposal.abstract_syntax.clone(),
        transfer_syntax_uid: transfer_syntax_uid.ok_or(ContextResult::TRANSFER_SYNTAXES)?.to_owned(),
        requestor_is_scu,
        requestor_is_scp,
        extended: Vec::new(),
    })
}

/// What is answered to an extended negotiation; nothing where the SOP class has none.
fn extended_answer(proposed: &ExtendedNegotiation) -> Option<ExtendedNegotiation> {
    let information = match Service::of(&proposed.sop_class_uid)? {
        Service::Find(_) => {
            let proposed = proposed.information.iter().copied();
            let agreed = |(proposed, (_, supported)): (u8, (_, bool))| u8::from(proposed == 1 && supported);
            proposed.zip(EXTENDED_FIND).map(agreed).collect()
        }
        // PS3.4 table C.5.2-1, C.5.3-1: relational retrieval, enhanced multi-frame conversion.
        Service::Move(_) | Service::Get(_) => vec![0; proposed.information.len().min(2)],
        // PS3.4 table B.3-1: level 2 (full), no statement on digital signatures, no coercion.
        Service::Storage => vec![2, 0, 0, 0, 0, 0],
        Service::Verification | Service::StorageCommitment => return None,
    };
    Some(ExtendedNegotiation { sop_class_uid: proposed.sop_class_uid.clone(), information })
}

/// What can be agreed on for queries, byte by byte. PS3.4 table C.5.1-1.
pub const EXTENDED_FIND: [(&str, bool); 7] = [
    ("relational queries", false),
    ("combined date and time matching", false),
    ("fuzzy matching of person names", true),
    ("time zone adjustment", false),
    ("enhanced multi-frame image conversion", false),
    ("empty value matching", false),
    ("multiple value matching", false),
];

/// Whether a UID was given out by someone else than DICOM.
fn is_private(uid: &str) -> bool {
    crate::base::Uid::parse(uid).is_ok() && !uid.starts_with("1.2.840.10008.")
}

#[cfg(test)]
mod tests {
    use super::super::associate::AeField;
    use super::super::syntax::{EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE};
    use super::*;
    use crate::base::AeTitle;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const STUDY_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
    const STUDY_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";

    fn everything() -> Offered {
        Offered {
            store: true,
            find: true,
            retrieve: true,
            unknown_sop_classes: false,
            other_transfer_syntaxes: Vec::new(),
            max_pdu_bytes: 131_072,
        }
    }

    fn request(contexts: &[(&str, &[&str])]) -> AssociateRequest {
        let title = AeField::of(&AeTitle::causeway());
        let proposal = |(index, (class, syntaxes)): (usize, &(&str, &[&str]))| ContextProposal {
            id: u8::try_from(2 * index + 1).expect("few"),
            abstract_syntax: (*class).to_owned(),
            transfer_syntaxes: syntaxes.iter().map(|syntax| (*syntax).to_owned()).collect(),
        };
        AssociateRequest {
            protocol_version: 1,
            called: title,
            calling: title,
            application_context: super::super::APPLICATION_CONTEXT.into(),
            contexts: contexts.iter().enumerate().map(proposal).collect(),
            user: UserInformation::default(),
        }
    }

    fn results(accept: &AssociateAccept) -> Vec<u8> {
        accept.contexts.iter().map(|context| context.result.0).collect()
    }

    #[test]
    fn each_context_gets_the_result_that_fits_it() {
        let request = request(&[
            (CT, &[IMPLICIT_LE, EXPLICIT_LE]),
            (CT, &["1.2.840.10008.1.2.4.94"]),
            ("1.2.3.4", &[IMPLICIT_LE]),
            (STUDY_FIND, &[EXPLICIT_BE]),
            ("1.2.840.10008.1.1", &[IMPLICIT_LE]),
        ]);
        let (accept, contexts) = negotiate(&request, &everything());
        assert_eq!(results(&accept), [0, 4, 3, 4, 0]);
        assert_eq!(accept.contexts[0].transfer_syntax, EXPLICIT_LE);
        assert_eq!(contexts.iter().map(|context| context.id).collect::<Vec<_>>(), [1, 9]);
        let open = Offered { unknown_sop_classes: true, ..everything() };
        assert_eq!(results(&negotiate(&request, &open).0), [0, 4, 0, 4, 0]);
    }

    #[test]
    fn what_a_caller_may_not_do_is_rejected_by_the_application() {
        let request = request(&[(CT, &[IMPLICIT_LE]), (STUDY_FIND, &[IMPLICIT_LE]), (STUDY_GET, &[IMPLICIT_LE])]);
        let only =
            |store, find, retrieve| results(&negotiate(&request, &Offered { store, find, retrieve, ..everything() }).0);
        assert_eq!(only(true, false, false), [0, 1, 1]);
        assert_eq!(only(false, true, false), [1, 0, 1]);
        assert_eq!(only(false, false, true), [1, 1, 0]);
    }

    #[test]
    fn a_caller_that_gets_may_be_provider_of_storage_only() {
        let mut request = request(&[(CT, &[IMPLICIT_LE]), (STUDY_GET, &[IMPLICIT_LE])]);
        let role = |class: &str, scu, scp| RoleSelection { sop_class_uid: class.into(), scu, scp };
        request.user.roles = vec![role(CT, false, true), role(STUDY_GET, true, true)];
        let (accept, contexts) = negotiate(&request, &everything());
        assert_eq!(accept.user.roles, [role(CT, false, true), role(STUDY_GET, true, false)]);
        assert!(!contexts[0].requestor_is_scu && contexts[0].requestor_is_scp);
        let no_retrieve = Offered { retrieve: false, ..everything() };
        assert_eq!(results(&negotiate(&request, &no_retrieve).0), [1, 1]);
    }

    #[test]
    fn extended_negotiation_is_answered_with_what_there_is() {
        let mut request = request(&[(STUDY_FIND, &[IMPLICIT_LE])]);
        let extended = |class: &str, bytes: &[u8]| ExtendedNegotiation {
            sop_class_uid: class.into(),
            information: bytes.to_vec(),
        };
        request.user.extended = vec![extended(STUDY_FIND, &[1, 1, 1]), extended(CT, &[2])];
        let (accept, _) = negotiate(&request, &everything());
        assert_eq!(accept.user.extended, [extended(STUDY_FIND, &[0, 0, 1])]);
    }
}
