//! Settings. In comes text: a file, the environment, overrides of the command line; out goes a
//! [`Config`] in which every value is there, typed and checked, or a list of all that is wrong. `app`
//! and the command line load it once and hand its parts down as values.
//!
//! File < environment < command line. A key that does not exist is an error wherever it stands, and no
//! message repeats a value. What an operator sets at start is configuration; what a site changes while
//! the gateway runs is data.

mod alias;
mod archive;
mod blob;
mod caller;
mod check;
mod database;
mod dicomweb;
mod dimse;
mod disk;
mod error;
mod exports;
mod http;
mod jobs;
mod keys;
mod kind;
mod letterhead;
mod limits;
mod log;
pub mod master_key;
mod peer;
mod read;
mod reference;
mod rule;
mod search;
mod section;
mod setting;
mod show;
mod source;
mod sr;
mod subscriptions;
mod tokens;

use std::collections::BTreeMap;
use std::path::PathBuf;

use setting::Entry;

pub use archive::{Archive, ArchiveMode, ArchiveTenant, Duplicates, ImagingStudies};
pub use blob::{Blob, S3};
pub use caller::{CalledTitle, Caller, CallerRight};
pub use database::Database;
pub use dicomweb::{Dicomweb, EmptySearch};
pub use dimse::{AnyCaller, ClientCertificate, Dimse};
pub use disk::{from_disk_and_env, read_logo};
pub use error::{ConfigError, ConfigErrors};
pub use exports::Exports;
pub use http::Http;
pub use jobs::Jobs;
pub use keys::Keys;
pub use kind::{BlobUrl, ByteSize, DatabaseUrl, EnvironmentSecret, HttpUrl, Listen};
pub use letterhead::{Letterhead, PageSize};
pub use limits::{Limits, Quota, Rate};
pub use log::{Log, LogFormat, LogLevel};
pub use peer::Peer;
pub use reference::{KeyDoc, to_markdown};
pub use rule::Rule;
pub use search::{Offset, Search};
pub use source::{Environment, FileText, Origin, Sources};
pub use sr::{HeadingCodes, Sr};
pub use subscriptions::Subscriptions;
pub use tokens::Tokens;

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the embedded mode keeps database, blobs and keys.
    pub data_dir: PathBuf,
    /// The HTTP listener.
    pub http: Http,
    /// DICOM's network protocol.
    pub dimse: Dimse,
    /// The web services of DICOM.
    pub dicomweb: Dicomweb,
    /// The database.
    pub database: Database,
    /// The blob store.
    pub blob: Blob,
    /// The master key.
    pub keys: Keys,
    /// The log.
    pub log: Log,
    /// The job queue.
    pub jobs: Jobs,
    /// Export sessions.
    pub exports: Exports,
    /// Bearer tokens.
    pub tokens: Tokens,
    /// How much one caller may ask for.
    pub limits: Limits,
    /// FHIR Subscriptions.
    pub subscriptions: Subscriptions,
    /// The archive that knows the studies.
    pub archive: Archive,
    /// FHIR search.
    pub search: Search,
    /// DICOM structured reports.
    pub sr: Sr,
    /// What stands at the top of documents.
    pub letterhead: Letterhead,
    /// The key pair that signs documents.
    /// Peers, in the order of the file.
    pub peers: Vec<Peer>,
    /// Delivery rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// Who may call over DIMSE, in the order of the file.
    pub callers: Vec<Caller>,
    /// AE titles of tenants, in the order of the file.
    pub titles: Vec<CalledTitle>,
    /// Archives of tenants, in the order of the file.
    pub archives: Vec<ArchiveTenant>,
    /// Where the values that someone has set come from.
    origins: BTreeMap<String, Origin>,
}

impl Config {
    /// Reads the sources and checks what they say. Files that settings name are not opened here.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        let mut config = Self::plain();
        let read::Read { origins, peers, rules, callers, titles, archives, mut errors } =
            read::read(config.entries(), sources);
        (config.origins, config.peers, config.rules) = (origins, peers, rules);
        (config.callers, config.titles, config.archives) = (callers, titles, archives);
        config.complete(sources.terminal);
        errors.extend(check::check(&config));
        if errors.is_empty() { Ok(config) } else { Err(ConfigErrors(errors)) }
    }

    /// Where the value of a key comes from.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// The effective configuration as TOML. A comment behind each value says where it comes from; secrets
    /// are `***`.
    pub fn show(&self) -> String {
        show::show(&mut self.clone())
    }

    /// All settings, for the documentation.
    pub fn reference() -> Vec<KeyDoc> {
        reference::reference(&mut Self::plain())
    }

    /// The defaults before places and dependent values are filled in.
    fn plain() -> Self {
        Self {
            data_dir: "./causeway-data".into(),
            http: Http::default(),
            dimse: Dimse::default(),
            dicomweb: Dicomweb::default(),
            database: Database::default(),
            blob: Blob::default(),
            keys: Keys::default(),
            log: Log::default(),
            jobs: Jobs::default(),
            exports: Exports::default(),
            tokens: Tokens::default(),
            limits: Limits::default(),
            subscriptions: Subscriptions::default(),
            archive: Archive::default(),
            search: Search::default(),
            sr: Sr::default(),
            letterhead: Letterhead::default(),
            peers: Vec::new(),
            rules: Vec::new(),
            callers: Vec::new(),
            titles: Vec::new(),
            archives: Vec::new(),
            origins: BTreeMap::new(),
        }
    }

    /// Fills in what depends on other values.
    fn complete(&mut self, terminal: bool) {
        let data_dir = self.data_dir.clone();
        for entry in self.entries() {
            entry.slot.expand(&data_dir);
        }
        if *self.origin("http.public_url") == Origin::Default {
            self.http.public_url = HttpUrl::of_listener(self.http.listen);
        }
        if *self.origin("log.format") == Origin::Default && terminal {
            self.log.format = LogFormat::Human;
        }
    }

    /// All settings in the order of the reference.
    fn entries(&mut self) -> Vec<Entry<'_>> {
        let mut entries = vec![Entry {
            key: "data_dir".into(),
            about: "The place of everything that has no other place.",
            doc: "Directory for database, blobs and keys of the embedded mode. `{data_dir}` in other paths \
                  stands for it.",
            shown: None,
            within: None,
            slot: &mut self.data_dir,
        }];
        entries.extend(self.http.entries("http."));
        entries.extend(self.dimse.entries("dimse."));
        entries.extend(self.dicomweb.entries("dicomweb."));
        entries.extend(self.database.entries("database."));
        entries.extend(self.blob.entries("blob."));
        entries.extend(self.keys.entries("keys."));
        entries.extend(self.log.entries("log."));
        entries.extend(self.jobs.entries("jobs."));
        entries.extend(self.exports.entries("exports."));
        entries.extend(self.tokens.entries("tokens."));
        entries.extend(self.limits.entries("limits."));
        entries.extend(self.subscriptions.entries("subscriptions."));
        entries.extend(self.archive.entries("archive."));
        entries.extend(self.search.entries("search."));
        entries.extend(self.sr.entries("sr."));
        entries.extend(self.letterhead.entries("letterhead."));
        entries
    }
}

impl Default for Config {
    /// What a gateway runs with that nobody has told anything, and whose log goes to no terminal.
    fn default() -> Self {
        let mut config = Self::plain();
        config.complete(false);
        config
    }
}

#[cfg(test)]
mod tests;
