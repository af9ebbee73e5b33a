//! DICOM over its own network protocol, as service class provider (PS3.4, PS3.7, PS3.8): a listener, an
//! association loop, and one file for each service. Instances come in and go out in pieces; what is kept and
//! what a query means is decided in `ops`. `app` starts it with settings and stops it in order.

mod association;
mod callers;
pub mod conformance;
mod end;
mod limits;
mod listener;
mod provider;
mod serve;
mod status;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use callers::{AnyCaller, Caller, Callers, Place, Rights};
pub use listener::{DimseServer, StartError, start};
pub use tls::TlsUnusable;

/// How the listener works.
#[derive(Debug, Clone)]
pub struct DimseSettings {
    /// Where to listen without TLS.
    pub listen: Option<SocketAddr>,
    /// Where to listen with TLS.
    pub tls: Option<TlsListener>,
    /// Who may associate.
    pub callers: Callers,
    /// Associations at the same time.
    pub associations: usize,
    /// Associations of one calling AE title at the same time.
    pub associations_per_caller: usize,
    /// Greatest length of a P-DATA-TF body that is taken.
    pub max_pdu_bytes: u32,
    /// Bytes of data sets that one association may bring.
    pub association_bytes: u64,
    /// How long a connection may be without an association request, and may stay after the last word.
    pub artim: Duration,
    /// How long an association may be without a request.
    pub idle: Duration,
    /// How long a pause within a message may be, and an answer may take.
    pub message: Duration,
    /// How long a peer may take to take a piece.
    pub send: Duration,
    /// Matches of one query; more are refused.
    pub max_matches: u64,
    /// Whether SOP classes that are in no dictionary are taken for storage.
    pub unknown_sop_classes: bool,
    /// Transfer syntaxes that are taken for storage besides the usual ones.
    pub other_transfer_syntaxes: Vec<String>,
}

/// A listener with TLS. PS3.15 §B.12, BCP 195.
#[derive(Debug, Clone)]
pub struct TlsListener {
    /// Where.
    pub listen: SocketAddr,
    /// PEM file with our certificate and those between it and its authority.
    pub certificate_file: PathBuf,
    /// PEM file with its private key.
    pub key_file: PathBuf,
    /// PEM file with the authorities that certificates of callers must come from; callers need none without it.
    pub client_ca_file: Option<PathBuf>,
    /// Whether callers may come without a certificate although there are authorities.
    pub client_may_be_unknown: bool,
}
