//! Presentation contexts: which are proposed for a batch of instances, and which one carries an
//! instance once the peer has answered (PS3.8 §7.1.1.13).

use crate::base::Uid;

use super::pdu::{Acceptance, ContextResult};

/// A presentation context as proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Presentation context id, odd.
    pub(super) id: u8,
    /// Abstract syntax.
    pub(super) sop_class_uid: String,
    /// Transfer syntaxes in our order of preference.
    pub(super) transfer_syntax_uids: Vec<String>,
}

/// A list of proposals that one association can carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proposals(pub(super) Vec<Proposal>);

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
        proposals.add(super::command::VERIFICATION, &[IMPLICIT_LE]);
        proposals
    }

    /// Adds what `sop_class_uid` stored in `transfer_syntax_uid` needs: a context with that transfer
    /// syntax alone, so that the peer cannot prefer another, and one with both uncompressed ones.
    /// False if the association is full; then nothing was added.
    pub(super) fn add_storage(&mut self, sop_class_uid: &Uid, transfer_syntax_uid: &Uid) -> bool {
        let wanted = [vec![transfer_syntax_uid.as_str()], vec![EXPLICIT_LE, IMPLICIT_LE]];
        let missing: Vec<_> = wanted.into_iter().filter(|syntaxes| !self.has(sop_class_uid, syntaxes)).collect();
        if self.0.len() + missing.len() > MAX_CONTEXTS {
            return false;
        }
        for syntaxes in missing {
            self.add(sop_class_uid.as_str(), &syntaxes);
        }
        true
    }

    fn has(&self, sop_class_uid: &Uid, syntaxes: &[&str]) -> bool {
        self.0.iter().any(|proposal| {
            proposal.sop_class_uid == sop_class_uid.as_str() && proposal.transfer_syntax_uids == syntaxes
        })
    }

    fn add(&mut self, sop_class_uid: &str, syntaxes: &[&str]) {
        let id = self.0.last().map_or(1, |last| last.id.saturating_add(2));
        self.0.push(Proposal {
            id,
            sop_class_uid: sop_class_uid.to_owned(),
            transfer_syntax_uids: syntaxes.iter().map(|syntax| (*syntax).to_owned()).collect(),
        });
    }

    /// The accepted contexts of `sop_class_uid`. An id that was never proposed, and a transfer syntax
    /// that was not proposed for it, do not count.
    pub(super) fn accepted<'a>(
        &'a self,
        acceptance: &'a Acceptance,
        sop_class_uid: &'a str,
    ) -> impl Iterator<Item = &'a ContextResult> {
        self.0.iter().filter(move |proposal| proposal.sop_class_uid == sop_class_uid).filter_map(|proposal| {
            acceptance.contexts.iter().find(|context| {
                context.id == proposal.id
                    && context.result == 0
                    && proposal.transfer_syntax_uids.contains(&context.transfer_syntax_uid)
            })
        })
    }

    /// The context for an instance: the one with its own transfer syntax, else the first whose
    /// transfer syntax `can_convert` says it can be turned into.
    pub(super) fn choose(
        &self,
        acceptance: &Acceptance,
        sop_class_uid: &Uid,
        transfer_syntax_uid: &Uid,
        can_convert: impl Fn(&str) -> bool,
    ) -> Option<Chosen> {
        let accepted: Vec<_> = self.accepted(acceptance, sop_class_uid.as_str()).collect();
        let as_stored = accepted.iter().find(|context| context.transfer_syntax_uid == transfer_syntax_uid.as_str());
        let converted = || accepted.iter().find(|context| can_convert(&context.transfer_syntax_uid));
        as_stored
            .or_else(converted)
            .map(|context| Chosen { id: context.id, transfer_syntax_uid: context.transfer_syntax_uid.clone() })
    }

    /// Why no context of `sop_class_uid` was accepted, in the words of PS3.8 table 9-18.
    pub(super) fn refusal(&self, acceptance: &Acceptance, sop_class_uid: &Uid) -> &'static str {
        let results: Vec<u8> = self
            .0
            .iter()
            .filter(|proposal| proposal.sop_class_uid == sop_class_uid.as_str())
            .filter_map(|proposal| acceptance.contexts.iter().find(|context| context.id == proposal.id))
            .map(|context| context.result)
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
/// Implicit VR Little Endian, which every application entity supports (PS3.5 §10.1).
pub(super) const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub(super) const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
/// Deflated Explicit VR Little Endian.
pub(super) const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).expect("valid")
    }

    fn answer(results: &[(u8, u8, &str)]) -> Acceptance {
        let contexts = results
            .iter()
            .map(|(id, result, syntax)| ContextResult {
                id: *id,
                result: *result,
                transfer_syntax_uid: (*syntax).to_owned(),
            })
            .collect();
        Acceptance { contexts, ..Acceptance::default() }
    }

    #[test]
    fn each_class_and_syntax_is_proposed_once_with_a_fallback() {
        let mut proposals = Proposals::default();
        assert!(proposals.add_storage(&uid("1.1"), &uid(EXPLICIT_LE)));
        assert!(proposals.add_storage(&uid("1.1"), &uid(EXPLICIT_LE)));
        assert!(proposals.add_storage(&uid("1.1"), &uid("1.2.840.10008.1.2.4.70")));
        let ids: Vec<_> =
            proposals.0.iter().map(|proposal| (proposal.id, proposal.transfer_syntax_uids.len())).collect();
        assert_eq!(ids, [(1, 1), (3, 2), (5, 1)]);
    }

    #[test]
    fn no_association_gets_more_than_128_contexts() {
        let mut proposals = Proposals::default();
        let added =
            (0..100).filter(|class| proposals.add_storage(&uid(&format!("1.{class}")), &uid(EXPLICIT_LE))).count();
        assert_eq!(added, 64);
        assert_eq!(proposals.0.last().map(|last| last.id), Some(255));
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
