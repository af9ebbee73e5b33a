//! `[archive]`: who is asked for the facts of a study, how studies are kept here, and the Orthanc that may stand
//! behind; `[[archive.tenant]]`: what holds for a tenant in the place of that.

use std::time::Duration;

use super::ByteSize;
use super::caller::ListEntry;
use super::kind::choice;
use super::section::section;
use super::setting::{Given, Refusal, Setting as _};
use crate::base::{PeerName, TenantId};

section! {
    /// The archive that is asked for the facts and key images of a study, and the one that the gateway itself is.
    Archive {
        /// Name of a peer of kind `orthanc` or `dicomweb`. Not set: the studies that the gateway keeps itself are
        /// used; of others reports are rendered without, and their loss reports say so.
        peer: Option<PeerName> = None;
        /// How long to wait for its answer before a report is rendered without.
        timeout: Duration = Duration::from_secs(10), within "100ms", "5m";
        /// Whether clients may write ImagingStudy resources. Where the studies themselves come through the
        /// gateway, nobody but the gateway should; where they do not, another system may keep them here.
        imaging_studies: ImagingStudies = ImagingStudies::Derived;
        /// What becomes of an instance whose SOP Instance UID is known with other content: refused with status
        /// 0111H; refused too, with its digest in the audit log; or put in the place of the first one, whose bytes
        /// are kept beside. The same bytes again are always a success.
        duplicates: Duplicates = Duplicates::Reject;
        /// Longest data set that is taken.
        max_instance: ByteSize = ByteSize::mebibytes(4096), within "1MiB", "64GiB";
        /// Longest file of an instance that is kept in the database, and so shares its commits; longer ones are
        /// blobs. 0 makes all of them blobs. What is kept already stays where it is.
        short_files: ByteSize = ByteSize(64 << 10), within "0", "256KiB";
        /// Instances are refused with status A700H while less than this is free where blobs are. 0 switches the
        /// look off; a full disk is refused all the same.
        low_water: ByteSize = ByteSize::mebibytes(1024), within "0", "100TiB";
        /// How long a study has to be without a new instance before it counts as complete.
        settle: Duration = Duration::from_mins(1), within "1s", "1d";
        /// Where instances of the default tenant are kept: here; in the Orthanc that `orthanc` names, with the index
        /// here; or in both. Other tenants keep theirs here, unless `[[archive.tenant]]` says something else. ADR 18
        /// says what follows from it.
        mode: ArchiveMode = ArchiveMode::Local;
        /// Name of the peer of kind `orthanc`, of this file, that stands behind; needed unless `mode` is `local`.
        orthanc: Option<PeerName> = None;
        /// How often Orthanc is asked for what has changed there.
        poll: Duration = Duration::from_secs(2), within "50ms", "1h";
        /// Without news of Orthanc for this long, searches are still answered, and marked as stale.
        stale_after: Duration = Duration::from_secs(30), within "1s", "1d";
        /// How much of what is kept in Orthanc is held here besides, so that it is read faster; the oldest goes first.
        cache: ByteSize = ByteSize::mebibytes(1024), within "0", "100TiB";
        /// How long it is held at most.
        cache_age: Duration = Duration::from_hours(24), within "1m", "365d";
        /// What `/orthanc/...` passes on to Orthanc: methods and paths, `*` for one segment, `**` at the end for any
        /// number. HEAD is allowed where GET is.
        passthrough: Vec<String> = passthrough();
    }
}

choice! {
    /// Where instances are kept.
    ArchiveMode {
        /// Here.
        Local = "local",
        /// In Orthanc; here are the index and what is on its way.
        Orthanc = "orthanc",
        /// Here and in Orthanc.
        Mirror = "mirror",
    }
}

/// What holds for the archive of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveTenant {
    /// Whose it is.
    pub tenant: TenantId,
    /// Where its instances are kept.
    pub mode: ArchiveMode,
    /// The Orthanc behind it.
    pub orthanc: Option<PeerName>,
}

impl ListEntry for ArchiveTenant {
    const NAME: &'static str = "archive.tenant";
    const KEYS: &'static [(&'static str, &'static str, &'static str, &'static str)] = &[
        ("tenant", "name", "required", "Tenant that it is about; each at most once."),
        ("mode", "`local` or `orthanc` or `mirror`", "required", "As `archive.mode`."),
        ("orthanc", "name of a peer", "not set", "As `archive.orthanc`; two tenants cannot share one."),
    ];

    fn empty() -> Self {
        Self { tenant: TenantId::default_tenant(), mode: ArchiveMode::Local, orthanc: None }
    }

    fn set(&mut self, key: &str, given: &Given<'_>) -> Option<Result<(), Refusal>> {
        Some(match key {
            "tenant" => given
                .text()
                .and_then(|text| TenantId::parse(text).map_err(|error| error.to_string().into()))
                .map(|tenant| self.tenant = tenant),
            "mode" => ArchiveMode::read(given).map(|mode| self.mode = mode),
            "orthanc" => PeerName::read(given).map(|name| self.orthanc = Some(name)),
            _ => return None,
        })
    }
}

/// Reading alone.
fn passthrough() -> Vec<String> {
    [
        "GET /system",
        "GET /statistics",
        "GET /changes",
        "GET /patients",
        "GET /patients/**",
        "GET /studies",
        "GET /studies/**",
        "GET /series",
        "GET /series/**",
        "GET /instances",
        "GET /instances/**",
        "POST /tools/find",
    ]
    .map(str::to_owned)
    .to_vec()
}

choice! {
    /// Who writes ImagingStudy resources.
    ImagingStudies {
        /// The gateway alone, out of studies.
        Derived = "derived",
        /// Clients too.
        Stored = "stored",
    }
}

choice! {
    /// What becomes of other content under a known SOP Instance UID.
    Duplicates {
        /// Refused.
        Reject = "reject",
        /// Refused, with a record.
        KeepFirst = "keep-first",
        /// Put in the place of the first one.
        Replace = "replace",
    }
}
