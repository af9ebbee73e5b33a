//! `[dimse]`: DICOM's own network protocol.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::ByteSize;
use super::kind::{Listen, choice};
use super::section::section;
use crate::base::AeTitle;

section! {
    /// DICOM's own network protocol (PS3.8).
    Dimse {
        /// Where to listen for DICOM associations.
        listen: Listen = Listen::At(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 11112));
        /// Where to listen for associations within TLS; registered for that is port 2762.
        tls_listen: Listen = Listen::Off;
        /// PEM file with the gateway's certificate, and those between it and its authority.
        tls_certificate_file: Option<PathBuf> = None;
        /// PEM file with the private key of the certificate.
        tls_key_file: Option<PathBuf> = None;
        /// PEM file with the authorities that certificates of callers must come from. Where it is not set, callers need no certificate.
        tls_client_ca_file: Option<PathBuf> = None;
        /// Whether callers must show a certificate where `tls_client_ca_file` is set.
        tls_client_certificate: ClientCertificate = ClientCertificate::Required;
        /// Application entity title of the gateway: callers of the default tenant name it, and peers are called with it where they name no other one.
        ae_title: AeTitle = AeTitle::causeway();
        /// From where callers are let in that are in no `[[dimse.caller]]`. They may do everything.
        accept_any_caller: AnyCaller = AnyCaller::Loopback;
        /// Associations at the same time; more are rejected as a local limit exceeded.
        associations: u32 = 200, within "1", "10000";
        /// Associations at the same time of one calling AE title.
        associations_per_caller: u32 = 100, within "1", "10000";
        /// Greatest length of a P-DATA-TF that is taken, and announced.
        max_pdu_bytes: ByteSize = ByteSize(128 << 10), within "4KiB", "1MiB";
        /// Bytes of data sets that one association may bring; instances after them are refused.
        association_bytes: ByteSize = ByteSize::mebibytes(1 << 20), within "1MiB", "1024TiB";
        /// How long a connection may be without an association request, and may stay open after the last word (ARTIM).
        artim: Duration = Duration::from_secs(30), within "1s", "10m";
        /// How long an association may be without a request.
        idle: Duration = Duration::from_mins(5), within "1s", "1d";
        /// How long a pause within a message may be, and the answer to one of ours may take.
        message_timeout: Duration = Duration::from_mins(1), within "1s", "1h";
        /// How long a peer may take to take a piece of what is sent.
        send_timeout: Duration = Duration::from_mins(1), within "1s", "1h";
        /// Most matches of a C-FIND; a query with more is refused with status A700H.
        max_matches: u32 = 50_000, within "1", "1000000";
        /// Whether SOP classes that no standard names are taken for storage.
        unknown_sop_classes: bool = false;
        /// Transfer syntaxes that are taken for storage besides the usual ones: retired ones of JPEG, `1.2.840.10008.1.2.4.52` to `.66`.
        transfer_syntaxes: Vec<String> = Vec::new();
    }
}

choice! {
    /// From where callers without an entry are let in.
    AnyCaller {
        /// From nowhere.
        No = "no",
        /// From this machine.
        Loopback = "loopback",
        /// From everywhere.
        Yes = "yes",
    }
}

choice! {
    /// Whether callers must show a certificate.
    ClientCertificate {
        /// They must.
        Required = "required",
        /// They may.
        Optional = "optional",
    }
}
