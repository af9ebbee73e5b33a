drop table search_dated;
-- made anew when a program that knows the table comes back
update search_state set generation = 1;
