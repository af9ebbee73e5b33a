//! What settings must have to do with each other.

use super::error::ConfigError;
use super::{ArchiveMode, BlobUrl, Config, DatabaseUrl};

/// All contradictions between settings, each of which is right by itself.
pub(super) fn check(config: &Config) -> Vec<ConfigError> {
    let mut found = Vec::new();
    let mut wrong = |is_wrong: bool, key: &str, detail: &str| {
        if is_wrong {
            found.push(ConfigError::Conflict { key: key.to_owned(), detail: detail.to_owned() });
        }
    };
    wrong(config.data_dir.to_string_lossy().contains("{data_dir}"), "data_dir", "cannot stand for itself");

    let database = &config.database;
    let passwords = [database.password.get().is_some(), database.password_file.is_some(), database.url.has_password()];
    let passwords = passwords.into_iter().filter(|given| *given).count();
    wrong(passwords > 1, "database.password", "is given more than once: in the url, the file or the environment");
    let on_sqlite = matches!(database.url, DatabaseUrl::Sqlite(_));
    wrong(on_sqlite && passwords > 0, "database.password", "is for PostgreSQL, and database.url is a file");

    if matches!(config.blob.url, BlobUrl::S3 { .. }) {
        let s3 = &config.blob.s3;
        let secrets = [s3.secret_access_key.get().is_some(), s3.secret_access_key_file.is_some()];
        let has_secret = secrets.contains(&true);
        wrong(
            secrets == [true, true],
            "blob.s3.secret_access_key",
            "is given twice: in the file and in the environment",
        );
        wrong(s3.access_key_id.is_some() && !has_secret, "blob.s3.access_key_id", "has no secret_access_key beside it");
        wrong(s3.access_key_id.is_none() && has_secret, "blob.s3.secret_access_key", "has no access_key_id beside it");
        let plain = s3.endpoint.as_ref().is_some_and(|endpoint| endpoint.as_str().starts_with("http:"));
        wrong(plain && !s3.allow_http, "blob.s3.endpoint", "is without TLS, and blob.s3.allow_http is not set");
    }

    let keys = &config.keys;
    let sources = [keys.master_key_file.is_some(), keys.master_key_env.is_some(), !keys.master_key_command.is_empty()];
    let sources = sources.into_iter().filter(|given| *given).count();
    wrong(sources > 1, "keys", "names more than one place of the master key");
    wrong(
        sources == 0 && !on_sqlite,
        "keys",
        "must name the place of the master key, because database.url is PostgreSQL and all its nodes share it",
    );

    let dimse = &config.dimse;
    let tls = dimse.tls_listen.address();
    let has_key = dimse.tls_certificate_file.is_some() && dimse.tls_key_file.is_some();
    wrong(tls.is_some() && !has_key, "dimse.tls_listen", "needs dimse.tls_certificate_file and dimse.tls_key_file");
    let same = tls.is_some_and(|tls| tls.port() != 0 && dimse.listen.address() == Some(tls));
    wrong(same, "dimse.tls_listen", "is the same as dimse.listen");
    let others = dimse.transfer_syntaxes.iter();
    wrong(
        others.clone().any(|syntax| crate::dicom::transfer_syntax::Encoding::of(syntax).is_none()),
        "dimse.transfer_syntaxes",
        "names a transfer syntax that cannot be kept",
    );
    let title = |index: usize| config.titles.get(index).map(|title| &title.ae_title);
    let twice = (0..config.titles.len())
        .any(|index| title(index) == Some(&dimse.ae_title) || (0..index).any(|other| title(other) == title(index)));
    wrong(twice, "dimse.title", "names an AE title that is taken already");

    let jobs = &config.jobs;
    wrong(jobs.heartbeat * 2 > jobs.lease, "jobs.heartbeat", "is more than half of jobs.lease");
    wrong(jobs.backoff > jobs.backoff_limit, "jobs.backoff", "is longer than jobs.backoff_limit");

    let archive = config.archive.peer.as_ref();
    let archive = archive.and_then(|name| config.peers.iter().find(|peer| peer.name == *name));
    wrong(
        archive.is_some_and(|peer| !matches!(peer.kind(), Some("orthanc" | "dicomweb"))),
        "archive.peer",
        "is a peer of another kind than orthanc or dicomweb",
    );
    let own = std::iter::once(("archive.orthanc", config.archive.mode, config.archive.orthanc.as_ref()));
    let tenants = config.archives.iter().map(|of| ("archive.tenant.orthanc", of.mode, of.orthanc.as_ref()));
    let behind: Vec<_> = own.chain(tenants).filter(|(_, mode, _)| *mode != ArchiveMode::Local).collect();
    for (number, (key, _, name)) in behind.iter().enumerate() {
        let peer = name.and_then(|name| config.peers.iter().find(|peer| peer.name == *name));
        let is_orthanc = peer.is_some_and(|peer| peer.kind() == Some("orthanc"));
        wrong(!is_orthanc, key, "must name a peer of kind orthanc of this configuration");
        let is_shared = behind.iter().take(number).any(|(_, _, other)| name.is_some() && other == name);
        wrong(is_shared, key, "is the archive of another tenant already");
    }
    let twice = (0..config.archives.len()).any(|index| {
        let tenant = |index: usize| config.archives.get(index).map(|of| &of.tenant);
        (0..index).any(|other| tenant(other) == tenant(index))
    });
    wrong(twice, "archive.tenant", "names a tenant twice");
    let patterns = config.archive.passthrough.iter();
    let is_wrong = patterns.clone().any(|pattern| crate::access::PathPattern::parse(pattern).is_none());
    wrong(is_wrong, "archive.passthrough", "holds something else than a method and a path, as `GET /studies/**`");
    found
}
