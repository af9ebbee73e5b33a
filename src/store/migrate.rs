//! Migrations: embedded for both databases under the same names, run as one transaction, after a
//! snapshot, and never against a database that a newer program has already changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationConnection, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::result::Error;
use diesel::sqlite::Sqlite;
use diesel::{Connection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::StoreError;
use super::db::{PgConnection, SqliteRole, open_sqlite};

/// Which migrations a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Names of those that are applied, oldest first.
    pub applied: Vec<String>,
    /// Names of those that are not, oldest first.
    pub pending: Vec<String>,
    /// Versions in the database that this program does not know: it was written by a newer one.
    pub unknown: Vec<String>,
}

/// What to do to the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationStep {
    /// Look only.
    Look,
    /// Apply all that is pending.
    Migrate,
    /// Apply all that is pending and undo it again: shows whether it would work.
    DryRun,
    /// Undo the newest one.
    Rollback,
}

/// Why the schema was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database was made by a newer version of this program.
    #[error("the database has migrations that this version does not know: {}", .0.join(", "))]
    Newer(Vec<String>),
    /// A snapshot could not be written.
    #[error("snapshot before the upgrade failed: {0}")]
    Snapshot(String),
    /// A migration failed; none of them was kept.
    #[error("migration failed: {0}")]
    Failed(String),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The state afterwards.
    pub status: MigrationStatus,
    /// The snapshot that was written before, if there was something to change.
    pub snapshot: Option<PathBuf>,
}

/// Runs `step` on an SQLite file. A snapshot goes beside it before anything is changed.
pub(super) fn sqlite(path: &Path, step: MigrationStep) -> Result<Migrated, MigrateError> {
    let text = path.to_str().ok_or_else(|| StoreError::Unavailable("database path is not UTF-8".into()))?;
    let mut conn = open_sqlite(text, SqliteRole::Writer, BUSY)?;
    let before = status::<Sqlite, _>(&mut conn, SQLITE)?;
    let changes = match step {
        MigrationStep::Migrate => !before.pending.is_empty(),
        MigrationStep::Rollback => !before.applied.is_empty(),
        MigrationStep::Look | MigrationStep::DryRun => false,
    };
    let snapshot =
        if changes && !before.applied.is_empty() { Some(snapshot_sqlite(&mut conn, path, &before)?) } else { None };
    run::<Sqlite, _>(&mut conn, SQLITE, step, &before)?;
    Ok(Migrated { status: status::<Sqlite, _>(&mut conn, SQLITE)?, snapshot })
}

/// Runs `step` on PostgreSQL. Schema changes are transactional there: all pending migrations are one
/// transaction, under a lock that keeps other nodes waiting, and a failure leaves no trace.
pub(super) fn postgres(conn: &mut PgConnection, step: MigrationStep) -> Result<Migrated, MigrateError> {
    conn.batch_execute(&format!("select pg_advisory_lock({LOCK})")).map_err(StoreError::from)?;
    let outcome = (|| {
        let before = status::<Pg, _>(conn, POSTGRES)?;
        run::<Pg, _>(conn, POSTGRES, step, &before)?;
        Ok(Migrated { status: status::<Pg, _>(conn, POSTGRES)?, snapshot: None })
    })();
    conn.batch_execute(&format!("select pg_advisory_unlock({LOCK})")).map_err(StoreError::from)?;
    outcome
}

fn run<DB, C>(
    conn: &mut C,
    source: EmbeddedMigrations,
    step: MigrationStep,
    before: &MigrationStatus,
) -> Result<(), MigrateError>
where
    DB: Backend + 'static,
    C: Connection<Backend = DB> + MigrationConnection + MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    if step == MigrationStep::Look {
        return Ok(());
    }
    if !before.unknown.is_empty() {
        return Err(MigrateError::Newer(before.unknown.clone()));
    }
    let mut failure = None;
    let outcome = conn.transaction::<(), Error, _>(|conn| {
        let done = match step {
            MigrationStep::Look => Ok(()),
            MigrationStep::Migrate | MigrationStep::DryRun => conn.run_pending_migrations(source).map(|_| ()),
            MigrationStep::Rollback if before.applied.is_empty() => Ok(()),
            MigrationStep::Rollback => conn.revert_last_migration(source).map(|_| ()),
        };
        match done {
            Ok(()) if step == MigrationStep::DryRun => Err(Error::RollbackTransaction),
            Ok(()) => Ok(()),
            Err(error) => {
                failure = Some(error.to_string());
                Err(Error::RollbackTransaction)
            }
        }
    });
    match (failure, outcome) {
        (Some(message), _) => Err(MigrateError::Failed(message)),
        (None, Err(Error::RollbackTransaction)) if step == MigrationStep::DryRun => Ok(()),
        (None, outcome) => outcome.map_err(|error| StoreError::from(error).into()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the source is a constant, which is made anew where it is named")]
fn status<DB, C>(conn: &mut C, source: EmbeddedMigrations) -> Result<MigrationStatus, MigrateError>
where
    DB: Backend + 'static,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    let applied = conn.applied_migrations().map_err(failed)?;
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(failed)?;
    let mut status = MigrationStatus { applied: Vec::new(), pending: Vec::new(), unknown: Vec::new() };
    for migration in &known {
        let is_applied = applied.contains(&migration.name().version());
        let list = if is_applied { &mut status.applied } else { &mut status.pending };
        list.push(migration.name().to_string());
    }
    let is_known =
        |version: &MigrationVersion<'_>| known.iter().any(|migration| migration.name().version() == *version);
    status.unknown = applied.iter().filter(|version| !is_known(version)).map(ToString::to_string).collect();
    status.applied.sort();
    status.pending.sort();
    Ok(status)
}

/// A whole, consistent copy by `VACUUM INTO`, named by the newest migration that it has.
fn snapshot_sqlite(
    conn: &mut SqliteConnection,
    path: &Path,
    before: &MigrationStatus,
) -> Result<PathBuf, MigrateError> {
    let newest = before.applied.last().map_or("empty", String::as_str);
    let mut target = path.with_extension(format!("{newest}.snapshot"));
    let mut count = 1;
    while target.exists() {
        count += 1;
        target = path.with_extension(format!("{newest}.{count}.snapshot"));
    }
    let text = target.to_str().ok_or_else(|| MigrateError::Snapshot("path is not UTF-8".into()))?;
    conn.batch_execute(&format!("vacuum into '{}'", text.replace('\'', "''")))
        .map_err(|error| MigrateError::Snapshot(error.to_string()))?;
    Ok(target)
}

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// How long a migration waits for another process to let the file go.
const BUSY: Duration = Duration::from_secs(30);
/// Advisory lock of this program's migrations.
const LOCK: i64 = 0x4341_5553_4557_4159;
