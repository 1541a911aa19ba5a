create table books (title text primary key, price integer not null check (price > 0));
insert into books values ('one', 5), ('two', 10), ('three', 15);
