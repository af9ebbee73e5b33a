//! The sections of the conformance statement that speak of this edge: what is accepted and proposed, what is
//! answered, and the limits. PS3.2 §N.4, §N.5, §N.7.

use std::time::Duration;

use crate::dicom::conformance::Section;
use crate::dicom::dimse::{
    APPLICATION_CONTEXT, EXTENDED_FIND, IMPLICIT_LE, MESSAGE_SYNTAXES, PROVIDED, STORABLE_SYNTAXES, STORAGE_COMMITMENT,
    Service, VERIFICATION, named_storage_classes,
};
use crate::dicom::transfer_syntax::Encoding;
use crate::remote::dimse::USED;

use super::status::{OF_COMMITMENT, OF_FIND, OF_RETRIEVE, OF_STORAGE, OF_VERIFICATION, Status};
use super::{DimseSettings, tls};

/// What is offered at a glance. PS3.2 §N.1.
pub fn overview() -> Section {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let services = PROVIDED
        .iter()
        .map(|(uid, name, _)| [(*name).to_owned(), (*uid).to_owned(), yes(USED.contains(uid)), "yes".to_owned()]);
    let storage = ["All storage SOP classes".to_owned(), "see below".to_owned(), "yes".to_owned(), "yes".to_owned()];
    Section::new("Overview")
        .text(
            "Causeway stands between reporting, image archive and electronic health record. It keeps DICOM instances, \
             answers queries and retrievals over DIMSE and DICOMweb, and sends reports as DICOM SR, Key Object \
             Selection and Encapsulated PDF.",
        )
        .table(SERVICES, &["service", "SOP class UID", "as user (SCU)", "as provider (SCP)"], services.chain([storage]))
}

/// Networking. PS3.2 §N.5.
pub fn networking(settings: &DimseSettings) -> Section {
    Section::new("Networking")
        .section(association(settings))
        .section(accepted(settings))
        .section(extended())
        .section(proposed())
        .section(Section::new("Verification").table(STATUSES_VERIFICATION, &STATUS_COLUMNS, statuses(OF_VERIFICATION)))
        .section(
            Section::new("Storage")
                .text(
                    "Storage is of level 2 (full): all attributes are kept. Success means that the instance is on disk \
                     and in the index, flushed. The same instance again is a success; what becomes of other content \
                     under its UID is set by the site. Nothing is coerced.",
                )
                .table(STATUSES_STORAGE, &STATUS_COLUMNS, statuses(OF_STORAGE)),
        )
        .section(
            Section::new("Query")
                .text(format!(
                    "Queries are hierarchical. Each match is answered by one pending response; a query that has more \
                     than {} matches is refused, never cut. Between responses C-CANCEL is heard.",
                    settings.max_matches
                ))
                .table(STATUSES_FIND, &STATUS_COLUMNS, statuses(OF_FIND)),
        )
        .section(
            Section::new("Retrieval")
                .text(
                    "C-MOVE sends to peers that are configured, over an association of its own with Move Originator \
                     AE Title and Message ID. C-GET sends on the same association in the contexts for which the \
                     requestor has the role of provider. What no context takes as it is kept is converted, or counts \
                     as failed.",
                )
                .table(STATUSES_RETRIEVE, &STATUS_COLUMNS, statuses(OF_RETRIEVE)),
        )
        .section(
            Section::new("Storage commitment")
                .text(
                    "Instances are committed that are in the index with the SOP class that is asked for, and whose \
                     bytes are there. The report is sent on the same association if it stays open, else on one of \
                     ours with the role of provider, until it is acknowledged; for that the requestor has to be a \
                     configured peer.",
                )
                .table(STATUSES_COMMITMENT, &STATUS_COLUMNS, statuses(OF_COMMITMENT)),
        )
}

fn association(settings: &DimseSettings) -> Section {
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    let rows = [
        ("Application context", APPLICATION_CONTEXT.to_owned()),
        ("Called AE titles", "configurable; others are rejected".to_owned()),
        ("Calling AE titles and addresses", "configurable list with rights to store, query and retrieve".to_owned()),
        ("Associations at the same time", settings.associations.to_string()),
        ("Associations of one calling AE title", settings.associations_per_caller.to_string()),
        ("Presentation contexts of an association", "128".to_owned()),
        ("Operations at the same time (asynchronous window)", "1, not negotiated".to_owned()),
        ("Greatest length of a P-DATA-TF that is taken", format!("{} bytes", settings.max_pdu_bytes)),
        ("Data sets of one association", format!("{} bytes", settings.association_bytes)),
        ("Wait for an association request, and for the end of the connection (ARTIM)", seconds(settings.artim)),
        ("Wait for a request", seconds(settings.idle)),
        ("Pause within a message, and wait for an answer", seconds(settings.message)),
        ("Wait for a peer to take what is sent", seconds(settings.send)),
        ("User identity", "not negotiated".to_owned()),
        (
            "SOP classes that no standard names",
            if settings.unknown_sop_classes { "are accepted for storage" } else { "are not accepted" }.to_owned(),
        ),
        (
            "Other transfer syntaxes for storage",
            match settings.other_transfer_syntaxes.as_slice() {
                [] => "none".to_owned(),
                others => others.join(", "),
            },
        ),
    ];
    Section::new("Associations")
        .text(
            "There is one application entity, which provides all services on any association. More associations than \
             there may be are rejected as transient, local limit exceeded.",
        )
        .table(LIMITS, &["what", "value"], rows.map(|(name, value)| [name.to_owned(), value]))
}

fn accepted(settings: &DimseSettings) -> Section {
    let storage = named_storage_classes().map(|(uid, name)| (uid, name.to_owned(), Service::Storage));
    let classes = PROVIDED.iter().map(|(uid, name, service)| ((*uid).to_owned(), (*name).to_owned(), *service));
    let rows = classes.chain(storage).map(|(uid, name, service)| {
        let (syntaxes, role) = match service {
            Service::Storage => ("for storage", "SCU; SCP for C-GET"),
            _ => ("for messages", "SCU"),
        };
        [name, uid, syntaxes.to_owned(), role.to_owned()]
    });
    let syntaxes = |list: &[&str]| list.iter().map(|uid| named_syntax(uid)).collect::<Vec<_>>();
    let others = settings.other_transfer_syntaxes.iter().map(|uid| named_syntax(uid));
    Section::new("Accepted presentation contexts")
        .text("Of the transfer syntaxes that are proposed for a context, the one that stands first below is accepted.")
        .table(ACCEPTED, &["abstract syntax", "UID", "transfer syntaxes", "role of the requestor"], rows)
        .table(SYNTAXES_MESSAGES, &["name", "UID"], syntaxes(MESSAGE_SYNTAXES))
        .table(SYNTAXES_STORAGE, &["name", "UID"], syntaxes(STORABLE_SYNTAXES).into_iter().chain(others))
}

fn extended() -> Section {
    let rows = EXTENDED_FIND.iter().enumerate().map(|(index, (name, supported))| {
        [(index + 1).to_string(), (*name).to_owned(), if *supported { "1" } else { "0" }.to_owned()]
    });
    Section::new("Extended negotiation")
        .text("For storage: level 2 (full), no statement on digital signatures, no coercion. For retrieval: nothing.")
        .table(EXTENDED, &["byte", "C-FIND", "answer"], rows)
}

fn proposed() -> Section {
    let known = |uid: &str| PROVIDED.iter().find(|(class, _, _)| *class == uid).map(|(_, name, _)| *name);
    let calls = USED.iter().filter_map(|uid| {
        let syntaxes = if *uid == VERIFICATION { IMPLICIT_LE.to_owned() } else { MESSAGE_SYNTAXES.join(", ") };
        Some([known(uid)?.to_owned(), (*uid).to_owned(), syntaxes, "SCU".to_owned()])
    });
    let storage = [
        "Storage SOP classes of what is sent".to_owned(),
        "see above".to_owned(),
        "the one that the instance is kept in, alone; Explicit and Implicit VR Little Endian".to_owned(),
        "SCU; SCP for C-GET".to_owned(),
    ];
    let report = [
        known(STORAGE_COMMITMENT).unwrap_or_default().to_owned(),
        STORAGE_COMMITMENT.to_owned(),
        MESSAGE_SYNTAXES.join(", "),
        "SCP, to report".to_owned(),
    ];
    Section::new("Proposed presentation contexts")
        .text("Instances that need more than 128 contexts go over several associations.")
        .table(PROPOSED, &["abstract syntax", "UID", "transfer syntaxes", "role"], calls.chain([storage, report]))
}

/// Security. PS3.2 §N.6, PS3.15 §B.12.
pub fn security(settings: &DimseSettings) -> Section {
    let certificate = match &settings.tls {
        None => "TLS is off on this server.",
        Some(tls) if tls.client_ca_file.is_none() => "Callers need no certificate.",
        Some(tls) if tls.client_may_be_unknown => "Callers may show a certificate of the authorities that are set.",
        Some(_) => "Callers must show a certificate of the authorities that are set.",
    };
    Section::new("Security")
        .text(format!(
            "Secure transport of DIMSE: BCP 195 TLS profile (PS3.15 §B.12), TLS 1.2 and 1.3 on a port of its own. \
             {certificate} DICOMweb uses HTTPS of a reverse proxy, bearer tokens (RFC 6750) and scopes."
        ))
        .table(CIPHER_SUITES, &["cipher suite"], tls::suites().into_iter().map(|suite| [suite]))
        .text(
            "Every read and write, and every association that is rejected, is in an audit log whose records are \
             chained. Instances are encrypted where they are kept.",
        )
}

fn named_syntax(uid: &str) -> [String; 2] {
    let name = Encoding::named().find(|(own, _)| own == uid).map_or("private or retired", |(_, name)| name);
    [name.to_owned(), uid.to_owned()]
}

fn statuses(of: &[Status]) -> impl Iterator<Item = [String; 3]> + '_ {
    of.iter().map(|status| [status.class.to_owned(), format!("{:04X}H", status.code), status.meaning.to_owned()])
}

const STATUS_COLUMNS: [&str; 3] = ["class", "status", "meaning"];
const SERVICES: &str = "Services";
const LIMITS: &str = "Association policies";
const ACCEPTED: &str = "Accepted presentation contexts";
const SYNTAXES_MESSAGES: &str = "Transfer syntaxes for messages, in order of preference";
const SYNTAXES_STORAGE: &str = "Transfer syntaxes for storage, in order of preference";
const EXTENDED: &str = "Extended negotiation of queries";
const PROPOSED: &str = "Proposed presentation contexts";
const STATUSES_VERIFICATION: &str = "Statuses of C-ECHO";
const STATUSES_STORAGE: &str = "Statuses of C-STORE, and reasons of STOW-RS";
const STATUSES_FIND: &str = "Statuses of C-FIND";
const STATUSES_RETRIEVE: &str = "Statuses of C-MOVE and C-GET";
const STATUSES_COMMITMENT: &str = "Statuses of N-ACTION";
const CIPHER_SUITES: &str = "Cipher suites";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{AnyCaller, Callers};
    use super::*;
    use crate::dicom::conformance::Statement;
    use crate::dicom::dimse::storage_classes;

    fn settings() -> DimseSettings {
        let second = Duration::from_secs(1);
        DimseSettings {
            listen: None,
            tls: None,
            callers: Callers { titles: Vec::new(), any: AnyCaller::No, entries: Vec::new() },
            associations: 7,
            associations_per_caller: 3,
            max_pdu_bytes: 16384,
            association_bytes: 1,
            artim: second,
            idle: second,
            message: second,
            send: second,
            max_matches: 11,
            unknown_sop_classes: false,
            other_transfer_syntaxes: vec!["1.2.840.113619.5.2".to_owned()],
        }
    }

    fn uids(statement: &Statement, caption: &str) -> BTreeSet<String> {
        let rows = statement.rows(caption);
        let found: BTreeSet<String> = rows.iter().map(|row| row[1].clone()).collect();
        assert_eq!(found.len(), rows.len(), "{caption} says nothing twice");
        found
    }

    #[test]
    fn what_is_negotiated_is_in_the_statement_and_nothing_else() {
        let sections = vec![overview(), networking(&settings()), security(&settings())];
        let statement = Statement { title: String::new(), version: String::new(), sections };
        let classes: BTreeSet<String> =
            PROVIDED.iter().map(|(uid, _, _)| (*uid).to_owned()).chain(storage_classes()).collect();
        assert_eq!(uids(&statement, ACCEPTED), classes);
        assert!(classes.iter().all(|uid| Service::of(uid).is_some()));
        let mut storage: BTreeSet<String> = STORABLE_SYNTAXES.iter().map(|uid| (*uid).to_owned()).collect();
        storage.insert("1.2.840.113619.5.2".to_owned());
        assert_eq!(uids(&statement, SYNTAXES_STORAGE), storage);
        let messages: BTreeSet<String> = MESSAGE_SYNTAXES.iter().map(|uid| (*uid).to_owned()).collect();
        assert_eq!(uids(&statement, SYNTAXES_MESSAGES), messages);
        assert_eq!(statement.rows(PROPOSED).len(), USED.len() + 2);
        assert!(statement.rows(LIMITS).iter().any(|row| row[1] == "7"));
        assert!(statement.rows(CIPHER_SUITES).iter().all(|row| row[0].contains("TLS")));
    }
}
