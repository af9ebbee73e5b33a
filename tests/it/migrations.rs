//! Both migration trees have the same names and columns, go down and up again, and refuse what a newer
//! program has made.

use std::collections::BTreeMap;
use std::path::Path;

use causeway::store::{MigrateError, MigrationStep, migrate};

use crate::each_backend;
use crate::support::{Backend, TestDatabase};

each_backend!(it_goes_up_and_down_again, a_newer_database_is_refused, a_dry_run_leaves_no_trace);

async fn it_goes_up_and_down_again(backend: Backend) {
    let database = TestDatabase::new(&backend).await;
    let looked = migrate(&database.settings(), MigrationStep::Look).await.expect("looks");
    assert!(looked.status.applied.is_empty());
    let all = looked.status.pending;
    assert!(!all.is_empty());
    let done = migrate(&database.settings(), MigrationStep::Migrate).await.expect("migrates");
    assert_eq!((done.status.applied, done.status.pending.len()), (all.clone(), 0));
    assert_eq!(done.snapshot, None, "nothing to keep a copy of in an empty database");
    for left in (0..all.len()).rev() {
        let done = migrate(&database.settings(), MigrationStep::Rollback).await.expect("rolls back");
        assert_eq!(done.status.applied.len(), left);
        if let Backend::Sqlite = backend {
            assert!(done.snapshot.is_some_and(|path| path.exists()), "a snapshot was written");
        }
    }
    let done = migrate(&database.settings(), MigrationStep::Migrate).await.expect("migrates again");
    assert_eq!(done.status.applied, all);
}

async fn a_newer_database_is_refused(backend: Backend) {
    let database = TestDatabase::new(&backend).await;
    migrate(&database.settings(), MigrationStep::Migrate).await.expect("migrates");
    database
        .execute("insert into __diesel_schema_migrations (version) values ('29990101000000')")
        .await
        .expect("inserts");
    let refused = migrate(&database.settings(), MigrationStep::Migrate).await;
    assert!(matches!(&refused, Err(MigrateError::Newer(versions)) if versions == &["29990101000000"]), "{refused:?}");
}

async fn a_dry_run_leaves_no_trace(backend: Backend) {
    let database = TestDatabase::new(&backend).await;
    let done = migrate(&database.settings(), MigrationStep::DryRun).await.expect("would work");
    assert!(done.status.applied.is_empty());
    assert!(database.execute("select count(*) from tenant").await.is_err(), "there is no table");
}

#[test]
fn both_trees_have_the_same_names_tables_and_columns() {
    let (sqlite, postgres) = (tree("sqlite"), tree("postgres"));
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (name, tables) in &sqlite {
        assert_eq!(Some(tables), postgres.get(name), "{name}");
    }
    let parts = ["src/store/schema.rs", "src/store/schema/study.rs"];
    let schema: String =
        parts.iter().map(|part| std::fs::read_to_string(root().join(part)).expect("readable")).collect();
    // The newest form of a table is the one that counts.
    let newest: BTreeMap<&String, &Vec<String>> =
        sqlite.values().flatten().map(|(name, columns)| (name, columns)).collect();
    for (table, columns) in newest {
        let (_, body) =
            schema.split_once(&format!("    {table} (")).unwrap_or_else(|| panic!("schema.rs lacks {table}"));
        let body = body.split_once("\n    }").expect("table ends").0;
        let known: Vec<&str> = body
            .lines()
            .skip(1)
            .filter_map(|line| line.trim().split_once(" -> ").map(|(name, _)| name))
            .map(|name| if table == "tenant" && name == "name" { "tenant" } else { name })
            .collect();
        assert_eq!(&known, columns, "columns of {table}");
    }
}

/// Migration → tables with their columns, as the SQL of one tree makes them.
fn tree(database: &str) -> BTreeMap<String, Vec<(String, Vec<String>)>> {
    let folder = root().join("migrations").join(database);
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        assert!(path.join("down.sql").exists(), "{} can be undone", path.display());
        let sql = std::fs::read_to_string(path.join("up.sql")).expect("readable");
        let tables = sql
            .split("create table ")
            .skip(1)
            .map(|rest| {
                let (name, body) = rest.split_once(" (\n").expect("table has columns");
                let columns = body
                    .lines()
                    .take_while(|line| !line.starts_with(')'))
                    .filter_map(|line| line.trim().split_once(' ').map(|(first, _)| first.to_owned()))
                    .filter(|first| !["primary", "unique", "foreign", "check"].contains(&first.as_str()))
                    .collect();
                // A table that takes the place of another one.
                let renamed = format!("alter table {name} rename to ");
                let name = sql.split_once(&renamed).map_or(name, |(_, rest)| rest.split(';').next().expect("ends"));
                (name.to_owned(), columns)
            })
            .collect();
        found.insert(path.file_name().expect("named").to_string_lossy().into_owned(), tables);
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
