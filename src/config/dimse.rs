//! `[dimse]`: DICOM's own network protocol.

use std::net::{Ipv4Addr, SocketAddr};

use super::kind::Listen;
use super::section::section;
use crate::base::AeTitle;

section! {
    /// DICOM's own network protocol (PS3.8).
    Dimse {
        /// Where associations are accepted.
        listen: Listen = Listen::At(SocketAddr::from((Ipv4Addr::LOCALHOST, 11112)));
        /// Where associations over TLS are accepted.
        tls_listen: Listen = Listen::Off;
        /// Application entity title of the gateway, called and calling.
        ae_title: AeTitle = AeTitle::causeway();
    }
}
