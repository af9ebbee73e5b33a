//! Presentation contexts: which are proposed for a batch of instances, and which one carries an
//! instance once the peer has answered (PS3.8 §7.1.1.13).

use crate::base::Uid;
use crate::dicom::dimse::{
    AssociateAccept, ContextAnswer, ContextProposal, ContextResult, EXPLICIT_LE, IMPLICIT_LE, RoleSelection,
    VERIFICATION,
};

/// A list of proposals that one association can carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proposals {
    /// The presentation contexts.
    pub(super) contexts: Vec<ContextProposal>,
    /// The roles that are proposed beyond the usual one.
    pub(super) roles: Vec<RoleSelection>,
}

/// The context under which an instance is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Presentation context id.
    pub(super) id: u8,
    /// The transfer syntax that the peer wants.
    pub(super) transfer_syntax_uid: String,
}

impl Proposals {
    /// Only the Verification SOP Class.
    pub(super) fn verification() -> Self {
        let mut proposals = Self::default();
        proposals.add(VERIFICATION, &[IMPLICIT_LE]);
        proposals
    }

    /// Only this SOP class, for messages of our own.
    pub(super) fn service(sop_class_uid: &str) -> Self {
        let mut proposals = Self::default();
        proposals.add(sop_class_uid, &[EXPLICIT_LE, IMPLICIT_LE]);
        proposals
    }

    /// This SOP class, for messages that we send as its provider. PS3.7 §D.3.3.4.
    pub(super) fn as_provider(sop_class_uid: &str) -> Self {
        let mut proposals = Self::service(sop_class_uid);
        proposals.roles.push(RoleSelection { sop_class_uid: sop_class_uid.to_owned(), scu: false, scp: true });
        proposals
    }

    /// Adds storage of `sop_class_uid` to us, in any of `transfer_syntax_uids`. False if the association is
    /// full; then nothing was added.
    pub(super) fn add_receipt(&mut self, sop_class_uid: &Uid, transfer_syntax_uids: &[&str]) -> bool {
        if self.contexts.len() >= MAX_CONTEXTS {
            return false;
        }
        self.add(sop_class_uid.as_str(), transfer_syntax_uids);
        let sop_class_uid = sop_class_uid.as_str().to_owned();
        if !self.roles.iter().any(|role| role.sop_class_uid == sop_class_uid) {
            self.roles.push(RoleSelection { sop_class_uid, scu: false, scp: true });
        }
        true
    }

    /// Adds what `sop_class_uid` stored in `transfer_syntax_uid` needs: a context with that transfer
    /// syntax alone, so that the peer cannot prefer another, and one with both uncompressed ones.
    /// False if the association is full; then nothing was added.
    pub(super) fn add_storage(&mut self, sop_class_uid: &Uid, transfer_syntax_uid: &Uid) -> bool {
        let wanted = [vec![transfer_syntax_uid.as_str()], vec![EXPLICIT_LE, IMPLICIT_LE]];
        let missing: Vec<_> = wanted.into_iter().filter(|syntaxes| !self.has(sop_class_uid, syntaxes)).collect();
        if self.contexts.len() + missing.len() > MAX_CONTEXTS {
            return false;
        }
        for syntaxes in missing {
            self.add(sop_class_uid.as_str(), &syntaxes);
        }
        true
    }

    /// Whether an instance of this kind was thought of.
    pub(super) fn has_storage(&self, sop_class_uid: &Uid, transfer_syntax_uid: &Uid) -> bool {
        self.has(sop_class_uid, &[transfer_syntax_uid.as_str()])
    }

    fn has(&self, sop_class_uid: &Uid, syntaxes: &[&str]) -> bool {
        self.contexts.iter().any(|proposal| {
            proposal.abstract_syntax == sop_class_uid.as_str() && proposal.transfer_syntaxes == syntaxes
        })
    }

    fn add(&mut self, sop_class_uid: &str, syntaxes: &[&str]) {
        let id = self.contexts.last().map_or(1, |last| last.id.saturating_add(2));
        self.contexts.push(ContextProposal {
            id,
            abstract_syntax: sop_class_uid.to_owned(),
            transfer_syntaxes: syntaxes.iter().map(|syntax| (*syntax).to_owned()).collect(),
        });
    }

    /// The accepted contexts of `sop_class_uid`. An id that was never proposed, and a transfer syntax
    /// that was not proposed for it, do not count.
    pub(super) fn accepted<'a>(
        &'a self,
        acceptance: &'a AssociateAccept,
        sop_class_uid: &'a str,
    ) -> impl Iterator<Item = &'a ContextAnswer> {
        self.contexts.iter().filter(move |proposal| proposal.abstract_syntax == sop_class_uid).filter_map(|proposal| {
            acceptance.contexts.iter().find(|context| {
                context.id == proposal.id
                    && context.result == ContextResult::ACCEPTED
                    && proposal.transfer_syntaxes.contains(&context.transfer_syntax)
            })
        })
    }

    /// The context for an instance: the one with its own transfer syntax, else the first whose
    /// transfer syntax `can_convert` says it can be turned into.
    pub(super) fn choose(
        &self,
        acceptance: &AssociateAccept,
        sop_class_uid: &Uid,
        transfer_syntax_uid: &Uid,
        can_convert: impl Fn(&str) -> bool,
    ) -> Option<Chosen> {
        let accepted: Vec<_> = self.accepted(acceptance, sop_class_uid.as_str()).collect();
        let as_stored = accepted.iter().find(|context| context.transfer_syntax == transfer_syntax_uid.as_str());
        let converted = || accepted.iter().find(|context| can_convert(&context.transfer_syntax));
        as_stored
            .or_else(converted)
            .map(|context| Chosen { id: context.id, transfer_syntax_uid: context.transfer_syntax.clone() })
    }

    /// Why no context of `sop_class_uid` was accepted, in the words of PS3.8 table 9-18.
    pub(super) fn refusal(&self, acceptance: &AssociateAccept, sop_class_uid: &Uid) -> &'static str {
        let results: Vec<u8> = self
            .contexts
            .iter()
            .filter(|proposal| proposal.abstract_syntax == sop_class_uid.as_str())
            .filter_map(|proposal| acceptance.contexts.iter().find(|context| context.id == proposal.id))
            .map(|context| context.result.0)
            .collect();
        if results.contains(&0) {
            "accepted only in a transfer syntax we cannot convert to"
        } else if results.contains(&3) {
            "SOP class is not accepted (abstract syntax not supported)"
        } else if results.contains(&4) {
            "transfer syntaxes not supported"
        } else if results.contains(&1) {
            "presentation context refused by the application"
        } else {
            "presentation context refused without a reason"
        }
    }
}

/// Ids are odd and go up to 255.
const MAX_CONTEXTS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::AeTitle;
    use crate::dicom::dimse::{AeField, UserInformation};

    fn uid(text: &str) -> Uid {
        Uid::parse(text).expect("valid")
    }

    fn answer(results: &[(u8, u8, &str)]) -> AssociateAccept {
        let title = AeField::of(&AeTitle::causeway());
        let contexts = results
            .iter()
            .map(|(id, result, syntax)| ContextAnswer {
                id: *id,
                result: ContextResult(*result),
                transfer_syntax: (*syntax).to_owned(),
            })
            .collect();
        AssociateAccept { called: title, calling: title, contexts, user: UserInformation::default() }
    }

    #[test]
    fn each_class_and_syntax_is_proposed_once_with_a_fallback() {
        let mut proposals = Proposals::default();
        assert!(proposals.add_storage(&uid("1.1"), &uid(EXPLICIT_LE)));
        assert!(proposals.add_storage(&uid("1.1"), &uid(EXPLICIT_LE)));
        assert!(proposals.add_storage(&uid("1.1"), &uid("1.2.840.10008.1.2.4.70")));
        let ids: Vec<_> =
            proposals.contexts.iter().map(|proposal| (proposal.id, proposal.transfer_syntaxes.len())).collect();
        assert_eq!(ids, [(1, 1), (3, 2), (5, 1)]);
    }

    #[test]
    fn no_association_gets_more_than_128_contexts() {
        let mut proposals = Proposals::default();
        let added =
            (0..100).filter(|class| proposals.add_storage(&uid(&format!("1.{class}")), &uid(EXPLICIT_LE))).count();
        assert_eq!(added, 64);
        assert_eq!(proposals.contexts.last().map(|last| last.id), Some(255));
    }

    #[test]
    fn the_stored_syntax_wins_and_a_syntax_never_proposed_does_not_count() {
        let mut proposals = Proposals::default();
        let class = uid("1.1");
        proposals.add_storage(&class, &uid(EXPLICIT_LE));
        let choose = |results: &[(u8, u8, &str)]| {
            proposals
                .choose(&answer(results), &class, &uid(EXPLICIT_LE), |syntax| syntax == IMPLICIT_LE)
                .map(|chosen| chosen.id)
        };
        assert_eq!(choose(&[(1, 0, EXPLICIT_LE), (3, 0, IMPLICIT_LE)]), Some(1));
        assert_eq!(choose(&[(1, 4, ""), (3, 0, IMPLICIT_LE)]), Some(3));
        assert_eq!(choose(&[(1, 0, IMPLICIT_LE), (3, 3, "")]), None);
        assert_eq!(choose(&[(9, 0, EXPLICIT_LE)]), None);
        let refused = answer(&[(1, 3, ""), (3, 3, "")]);
        assert_eq!(proposals.refusal(&refused, &class), "SOP class is not accepted (abstract syntax not supported)");
    }
}
