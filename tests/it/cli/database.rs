//! `db status|migrate|rollback|dry-run`, and commands before a schema that is too old or too new.

use super::{document, texts};
use crate::each_backend;
use crate::support::{Backend, Program, files_below};

each_backend!(a_schema_goes_up_and_down, a_command_does_not_change_an_old_schema, a_newer_schema_is_refused);

fn snapshots(program: &Program) -> usize {
    let files = files_below(program.database.folder());
    files.iter().filter(|path| path.to_string_lossy().ends_with(".snapshot")).count()
}

async fn a_schema_goes_up_and_down(backend: Backend) {
    let program = Program::new(&backend).await;
    let on_sqlite = matches!(backend, Backend::Sqlite);
    let status = |verb| document(&program.ok(&["db", verb, "--json"]));
    let before = status("status");
    let all = texts(&before["pending"]);
    assert!(all.len() > 5 && texts(&before["applied"]).is_empty(), "{before}");

    assert_eq!(status("dry-run"), before, "a dry run leaves no trace");
    assert!(program.database.execute("select count(*) from tenant").await.is_err(), "there is no table");

    let up = status("migrate");
    assert_eq!((texts(&up["applied"]), texts(&up["pending"])), (all.clone(), Vec::new()));
    assert_eq!(snapshots(&program), 0, "there was nothing to keep");
    let listed = program.ok(&["db", "status"]);
    assert!(all.iter().all(|name| listed.contains(&format!("applied  {name}"))), "{listed}");

    let down = status("rollback");
    let (newest, rest) = all.split_last().expect("some");
    assert_eq!((texts(&down["applied"]), texts(&down["pending"])), (rest.to_vec(), vec![newest.clone()]));
    // PostgreSQL is not copied (ADR 7).
    assert_eq!(snapshots(&program), usize::from(on_sqlite));
    assert_eq!(down["snapshot"].is_string(), on_sqlite, "{down}");
    assert_eq!(status("dry-run")["pending"], down["pending"]);
    assert_eq!(texts(&status("migrate")["applied"]), all);
}

async fn a_command_does_not_change_an_old_schema(backend: Backend) {
    let program = Program::new(&backend).await;
    let mint = ["token", "mint", "--user", "jones", "--role", "admin"];
    let said = program.fails(&mint);
    assert!(said.contains("causeway db migrate"), "{said}");
    program.ok(&["db", "migrate"]);
    program.ok(&["db", "rollback"]);
    let said = program.fails(&mint);
    assert!(said.contains("1 migrations are pending") && said.contains("causeway db migrate"), "{said}");
    assert_eq!(document(&program.ok(&["db", "status", "--json"]))["pending"].as_array().map(Vec::len), Some(1));
    // The server brings it up to date by itself.
    let serving = program.serve().await;
    serving.client(&program.token("admin")).get("/api/admin/jobs").await.expect(200);
    serving.stop().await;
    assert_eq!(document(&program.ok(&["db", "status", "--json"]))["pending"].as_array().map(Vec::len), Some(0));
}

async fn a_newer_schema_is_refused(backend: Backend) {
    let program = Program::new(&backend).await;
    let serving = program.serve().await;
    let token = program.token("admin");
    serving.client(&token).get("/api/admin/jobs").await.expect(200);
    serving.stop().await;
    let newer = "insert into __diesel_schema_migrations (version) values ('29990101000000')";
    program.database.execute(newer).await.expect("inserts");
    for command in [
        &["serve"][..],
        &["db", "migrate"],
        &["db", "rollback"],
        &["db", "dry-run"],
        &["token", "mint", "--user", "jones", "--role", "admin"],
        &["audit", "verify"],
        &["key", "rotate"],
    ] {
        let said = program.fails(command);
        assert!(said.contains("29990101000000"), "{command:?}: {said}");
    }
    // Looking is allowed, and says it.
    let status = document(&program.ok(&["db", "status", "--json"]));
    assert_eq!(texts(&status["unknown"]), ["29990101000000"]);
}
