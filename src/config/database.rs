//! `[database]`: where records, index and jobs are.

use std::path::PathBuf;
use std::time::Duration;

use super::kind::{DatabaseUrl, EnvironmentSecret};
use super::section::section;
use crate::base::Secret;

section! {
    /// The database: records, index, jobs and audit.
    Database {
        /// Where it is. An SQLite file is made if it is not there.
        url: DatabaseUrl = DatabaseUrl::Sqlite("{data_dir}/causeway.db".into());
        /// File that holds the password for PostgreSQL.
        password_file: Option<PathBuf> = None;
        /// The password for PostgreSQL, in the place of `password_file`.
        password: EnvironmentSecret = EnvironmentSecret::default();
        /// PEM file of the authorities that may have signed PostgreSQL's certificate. With it the connection
        /// is encrypted and the certificate checked; without it the connection is not encrypted.
        ca_file: Option<PathBuf> = None;
        /// Connections to PostgreSQL, or readers of the SQLite file beside its one writer.
        pool_size: u32 = 8, within "1", "256";
        /// How long to wait for a free connection.
        acquire_timeout: Duration = Duration::from_secs(5), within "100ms", "5m";
        /// How long SQLite waits for the lock of another process.
        busy_timeout: Duration = Duration::from_secs(5), within "0s", "5m";
        /// How long a statement may run on PostgreSQL.
        statement_timeout: Duration = Duration::from_secs(30), within "100ms", "1h";
        /// Write sets that may wait for SQLite's writer; more than that wait outside.
        write_queue: u32 = 1024, within "1", "65536";
        /// Write sets that may share one transaction of SQLite's writer, and its wait for the disk.
        write_batch: u32 = 256, within "1", "65536";
    }
}

impl Database {
    /// The URL that reaches PostgreSQL with the password in it; `None` for SQLite.
    pub fn postgres_url(&self) -> Option<Secret> {
        self.url.postgres(self.password.get())
    }
}
