-- avatarkit: all its tables and functions in PostgreSQL 15 or newer, with or without Supabase.
--
-- Apply the whole file in one transaction: `supabase db push`, `psql -1 -f`, `avatarkit db migrate`.
-- It is idempotent, and takes an advisory lock, so many processes may apply it at once.
--
-- * "Supabase" means here: auth.users and auth.uid() exist. Then ids are uuid with foreign keys, row
--   level security is on, all grants are explicit, and buckets and Realtime are set up. Elsewhere
--   ids are text (users of an application may have any id) without foreign keys, and the database's
--   owner decides about rights: without auth.uid() users cannot be told apart, and row level
--   security would only hide all rows from an application's own role.
-- * `replace` puts the type of ids into the DDL. A domain would be shorter, but type generators and
--   Realtime support columns of type uuid better than domains.
-- * In tables of records, "doc" is the source of truth; the writer derives the other columns from it,
--   for queries, policies and people. It is text, not jsonb: the validated bytes stay unchanged
--   (jsonb reorders keys, rewrites numbers and refuses \u0000), and a write needs no second parse.
--   People can read it with `doc::jsonb`.
-- * Leases have their own table: claiming and renewing must not rewrite documents, send Realtime
--   messages, or show the names of workers to users.
-- * Users only read. Only service_role, or the owner over a direct connection, writes.
-- * Errors of our own: AK001 a final status would change; AK002 progress would decrease, or change
--   after the end; AK003 version would decrease; AK004 a clone belongs to another user; AK005 the
--   database does not meet the requirements of this file.

select pg_advisory_xact_lock(7021805911320040781);

-- 0. May this file be applied here? ---------------------------------------------------------------

do $$
declare
  known integer;
begin
  if current_setting('server_version_num')::integer < 150000 then
    raise exception using errcode = 'AK005', message = 'avatarkit needs PostgreSQL 15 or newer';
  end if;
  if to_regprocedure('public.avatarkit_schema_version()') is not null then
    execute 'select public.avatarkit_schema_version()' into known;
    if known > 1 then
      raise exception using errcode = 'AK005',
        message = format('the avatarkit tables here have the newer version %s', known),
        hint = 'Update avatarkit-sdk; do not apply this older file.';
    end if;
  end if;
  if exists (select from pg_attribute where attrelid = to_regclass('public.avatar_training')
             and attname in ('heygen_avatar_id', 'heygen_voice_id') and not attisdropped) then
    raise exception using errcode = 'AK005',
      message = 'public.avatar_training still has its HeyGen columns',
      hint = 'Apply 20261124115900_avatarkit_from_heygen_tables.sql first.';
  end if;
end $$;

-- 1. Tables ---------------------------------------------------------------------------------------

do $$
declare
  supabase constant boolean :=
    to_regclass('auth.users') is not null and to_regprocedure('auth.uid()') is not null;
  id_type constant text := case when supabase then 'uuid' else 'text' end;
  host text;
  ddl text;
  wrong text;
begin
  -- Tables that an application may have already. An existing one keeps its data, policies and
  -- grants; missing columns are added. A comment marks the tables that this file created.
  foreach host in array array['user_clones', 'voice_samples', 'video_samples'] loop
    if to_regclass('public.' || host) is null then
      ddl := case host when 'user_clones' then $ddl$
        create table public.user_clones (
          id uuid primary key $ddl$ || case when supabase then 'default gen_random_uuid()' else '' end || $ddl$,
          user_id uuid not null @user@
        )
      $ddl$ else $ddl$
        create table public.@host@ (
          id uuid primary key $ddl$ || case when supabase then 'default gen_random_uuid()' else '' end || $ddl$,
          clone_id uuid not null @clone@,
          file_path text not null
        )
      $ddl$ end;
      ddl := replace(ddl, '@host@', host);
      ddl := replace(ddl, '@user@',
        case when supabase then 'references auth.users (id) on delete cascade' else '' end);
      ddl := replace(ddl, '@clone@',
        case when supabase then 'references public.user_clones (id) on delete cascade' else '' end);
      execute replace(ddl, 'uuid ', id_type || ' ');
      execute format('comment on table public.%I is %L', host, 'made by avatarkit');
    end if;
  end loop;

  alter table public.user_clones
    add column if not exists training_status text not null default 'pending',
    add column if not exists avatar_ready boolean not null default false,
    add column if not exists created_at timestamptz not null default now();
  foreach host in array array['voice_samples', 'video_samples'] loop
    execute format(
      'alter table public.%I add column if not exists user_id %s, '
      'add column if not exists content_type text, add column if not exists size_bytes bigint, '
      'add column if not exists sha256 text, '
      'add column if not exists created_at timestamptz not null default now(), '
      'add column if not exists doc text', host, id_type);
    execute format('create index if not exists %I on public.%I (clone_id, created_at, id)',
                   host || '_of_clone', host);
    execute format('create index if not exists %I on public.%I (user_id, created_at, id)',
                   host || '_of_user', host);
    -- the same bytes in the same role are one sample
    execute format('create unique index if not exists %I on public.%I (clone_id, sha256)',
                   host || '_once', host);
  end loop;
  create index if not exists user_clones_of_user on public.user_clones (user_id);

  foreach ddl in array array[
    $ddl$
    create table if not exists public.avatar_training (
      id                    uuid primary key,
      user_id               uuid not null @user@,
      clone_id              uuid not null @clone@,
      stack                 text not null default '',
      idempotency_key       text,
      status                text not null default 'pending',
      progress              integer not null default 0,
      waits_for             text,  -- provider of the first unfinished operation
      voice_provider        text,
      provider_voice_id     text,
      avatar_provider       text,
      provider_avatar_id    text,
      avatar_video_url      text,  -- keys of our media store in these three; links are signed on reading
      avatar_thumbnail_url  text,
      sample_video_url      text,
      error_message         text,
      error_type            text,
      training_started_at   timestamptz,
      training_completed_at timestamptz,
      created_at            timestamptz not null default now(),
      updated_at            timestamptz not null default now(),
      next_at               timestamptz,
      deleted               boolean not null default false,
      version               bigint not null default 0,
      doc                   text not null
    )
    $ddl$, $ddl$
    create table if not exists public.avatar_videos (
      id                    uuid primary key,
      user_id               uuid not null @user@,
      clone_id              uuid not null @clone@,
      training_id           uuid @training@,
      stack                 text not null default '',
      idempotency_key       text,
      status                text not null default 'pending',
      progress              integer not null default 0,
      waits_for             text,  -- provider of the first unfinished operation
      voice_provider        text,
      provider_voice_id     text,
      avatar_provider       text,
      provider_avatar_id    text,
      video_url             text,  -- keys of our media store in these two
      thumbnail_url         text,
      error_message         text,
      error_type            text,
      started_at            timestamptz,
      completed_at          timestamptz,
      created_at            timestamptz not null default now(),
      updated_at            timestamptz not null default now(),
      next_at               timestamptz,
      deleted               boolean not null default false,
      version               bigint not null default 0,
      doc                   text not null
    )
    $ddl$, $ddl$
    create table if not exists public.avatar_leases (
      record_id    uuid primary key,
      fence        bigint not null default 0,  -- grows with every claim
      lease_owner  text,
      lease_until  timestamptz
    ) with (fillfactor = 70)
    $ddl$, $ddl$
    -- Changes in the number of waiting records per provider: their sums are the numbers. Each change
    -- adds a row, since one counter would make concurrent saves wait for each other.
    create table if not exists public.avatar_waiting (
      id         bigint generated always as identity primary key,
      waits_for  text,
      records    bigint not null
    )
    $ddl$, $ddl$
    -- Jobs of the records; several records may use one adopted avatar.
    create table if not exists public.avatar_jobs (
      provider   text not null,
      operation  text not null,
      job_id     text not null,
      record_id  uuid not null,
      primary key (provider, operation, job_id, record_id)
    )
    $ddl$, $ddl$
    create table if not exists public.avatar_webhooks (
      id                  uuid primary key default gen_random_uuid(),
      avatar_training_id  uuid @training@,
      avatar_video_id     uuid @video@,
      user_id             uuid @user@,  -- owner of the record; null without a record
      provider            text not null default 'unknown',
      event_id            text not null default gen_random_uuid()::text,
      event_type          text,
      outcome             text not null default 'received',
      received_at         timestamptz not null default now(),
      payload             jsonb,  -- null if the body was no JSON
      body                bytea,  -- the body, only if it was no JSON
      doc                 text    -- events and token that were read from it
    )
    $ddl$, $ddl$
    -- Rate limit and taken slots of each vendor account, for all workers together.
    create table if not exists public.avatar_accounts (
      account  text primary key,
      paced    timestamptz not null default '-infinity'  -- when the leaky bucket of the rate is empty
    )
    $ddl$, $ddl$
    create table if not exists public.avatar_places (
      account  text not null,
      holder   text not null,
      until    timestamptz not null,  -- frees the slot of a dead worker
      primary key (account, holder)
    )
    $ddl$, $ddl$
    create table if not exists public.avatar_consents (
      id           uuid primary key,
      user_id      uuid not null @user@,
      subject      text,
      real_person  boolean not null,
      given_at     timestamptz,
      doc          text not null
    )
    $ddl$, $ddl$
    -- Spending outlives the user: no foreign key, and no id of a user.
    create table if not exists public.avatar_ledger (
      id         text primary key,
      record_id  uuid not null,
      operation  text not null,
      provider   text not null,
      account    text not null,
      attempt    integer not null,
      job_id     text not null,
      cost       text,
      at         timestamptz not null,
      place      bigint generated always as identity,
      quoted     bigint  -- micro-dollars
    )
    $ddl$, $ddl$
    -- Budget reservations of the records, in micro-dollars. A row outlives its record, as in the
    -- ledger, and names no user: "whose" is a digest of the user's id.
    create table if not exists public.avatar_reservations (
      record_id  uuid primary key,
      whose      text not null,
      at         timestamptz not null,  -- creation of the record: the month whose budget it counts for
      reserved   bigint not null,       -- not sent yet, or with an unknown outcome
      spent      bigint not null        -- accepted by vendors
    )
    $ddl$
  ] loop
    -- Deleting a user in auth.users deletes these rows, as in the application's own tables. Erase
    -- with avatarkit first: only these rows know the copies at vendors.
    ddl := replace(ddl, '@user@',
      case when supabase then 'references auth.users (id) on delete cascade' else '' end);
    ddl := replace(ddl, '@clone@',
      case when supabase then 'references public.user_clones (id) on delete cascade' else '' end);
    ddl := replace(ddl, '@training@', case when supabase
      then 'references public.avatar_training (id) on delete set null' else '' end);
    ddl := replace(ddl, '@video@', case when supabase
      then 'references public.avatar_videos (id) on delete set null' else '' end);
    if not supabase then
      ddl := replace(replace(ddl, ' uuid ', ' text '),
                     'primary key default gen_random_uuid()',
                     'primary key default gen_random_uuid()::text');
    end if;
    execute ddl;
  end loop;

  alter table public.avatar_training add column if not exists action jsonb;
  alter table public.avatar_videos add column if not exists action jsonb;

  -- Refuse a table of another program with one of these names.
  select string_agg(format('%s.%s', t.name, c.name), ', ') into wrong
    from (values ('avatar_training', 'stack status created_at next_at deleted version doc'),
                 ('avatar_webhooks', 'provider event_id outcome received_at doc')) t (name, columns),
         string_to_table(t.columns, ' ') c (name)
   where not exists (select from pg_attribute a
                      where a.attrelid = to_regclass('public.' || t.name)
                        and a.attname = c.name and not a.attisdropped);
  if wrong is not null then
    raise exception using errcode = 'AK005',
      message = format('there are tables with names of avatarkit and another shape, without %s',
                       wrong),
      hint = 'Rename them, and apply this again.';
  end if;

  -- All functions below depend on these types.
  select string_agg(format('%s.%s is %s', c.relname, a.attname, format_type(a.atttypid, null)), ', ')
    into wrong
    from pg_class c join pg_attribute a on a.attrelid = c.oid
   where c.relnamespace = 'public'::regnamespace
     and c.relname in ('user_clones', 'voice_samples', 'video_samples', 'avatar_training',
                       'avatar_videos', 'avatar_webhooks', 'avatar_consents')
     and a.attname in ('id', 'user_id', 'clone_id') and not a.attisdropped
     and format_type(a.atttypid, null) <> id_type;
  if wrong is not null then
    raise exception using errcode = 'AK005',
      message = format('avatarkit needs these columns to be %s: %s', id_type, wrong);
  end if;
  -- An enum of the application may lack some statuses.
  if not exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid
                 where a.attrelid = 'public.user_clones'::regclass
                   and a.attname = 'training_status' and t.typcategory = 'S') then
    raise exception using errcode = 'AK005',
      message = 'avatarkit needs user_clones.training_status to be text',
      hint = 'Change it first: alter table public.user_clones '
        'alter column training_status drop default, '
        'alter column training_status type text using training_status::text, '
        'alter column training_status set default ''pending'';';
  end if;
  if not exists (select from pg_attribute where attrelid = 'public.user_clones'::regclass
                 and attname = 'user_id' and not attisdropped)
     or (select count(*) from pg_attribute where not attisdropped
         and attrelid in ('public.voice_samples'::regclass, 'public.video_samples'::regclass)
         and attname in ('clone_id', 'file_path')) <> 4 then
    raise exception using errcode = 'AK005', message =
      'avatarkit needs user_clones.user_id, and clone_id and file_path in both sample tables';
  end if;
end $$;

-- Constraints, apart from the tables, so that upgraded tables get them as well.
do $$
declare
  tab text;
begin
  foreach tab in array array['avatar_training', 'avatar_videos'] loop
    if not exists (select from pg_constraint where conname = tab || '_status_known') then
      execute format(
        'alter table public.%I add constraint %I check (status in (''pending'', ''processing'', '
        '''training'', ''action_required'', ''completed'', ''failed'', ''cancelled''))',
        tab, tab || '_status_known');
    end if;
    if not exists (select from pg_constraint where conname = tab || '_progress_percent') then
      execute format('alter table public.%I add constraint %I check (progress between 0 and 100)',
                     tab, tab || '_progress_percent');
    end if;
  end loop;
  -- A tombstone whose cleanup has ended has no user.
  alter table public.avatar_training
    alter column user_id drop not null, alter column clone_id drop not null;
  alter table public.avatar_videos
    alter column user_id drop not null, alter column clone_id drop not null;
  -- An upgraded log lacks the foreign key to the new table.
  if to_regclass('auth.users') is not null and to_regprocedure('auth.uid()') is not null
     and not exists (select from pg_constraint where contype = 'f'
                     and conrelid = 'public.avatar_webhooks'::regclass
                     and confrelid = 'public.avatar_videos'::regclass) then
    alter table public.avatar_webhooks add foreign key (avatar_video_id)
      references public.avatar_videos (id) on delete set null;
  end if;
  -- a full constraint: PostgREST's on_conflict cannot name a partial index
  if not exists (select from pg_constraint where conname = 'avatar_webhooks_once') then
    alter table public.avatar_webhooks
      add constraint avatar_webhooks_once unique (provider, event_id);
  end if;
end $$;

-- One index each for the policy's filter and the order of a page. Ids are derived from user and
-- idempotency key, so the primary key finds the record of a repeated call.
create index if not exists avatar_training_of_user
  on public.avatar_training (user_id, created_at desc, id desc);
create index if not exists avatar_training_of_clone
  on public.avatar_training (clone_id, created_at desc, id desc);
create index if not exists avatar_training_newest
  on public.avatar_training (created_at desc, id desc) where not deleted;
create index if not exists avatar_training_by_status
  on public.avatar_training (status, created_at desc, id desc) where not deleted;
create index if not exists avatar_training_due
  on public.avatar_training (next_at, id) where next_at is not null;
create index if not exists avatar_videos_of_user
  on public.avatar_videos (user_id, created_at desc, id desc);
create index if not exists avatar_videos_of_clone
  on public.avatar_videos (clone_id, created_at desc, id desc);
create index if not exists avatar_videos_of_training
  on public.avatar_videos (training_id, created_at desc, id desc);
create index if not exists avatar_videos_newest
  on public.avatar_videos (created_at desc, id desc) where not deleted;
create index if not exists avatar_videos_by_status
  on public.avatar_videos (status, created_at desc, id desc) where not deleted;
create index if not exists avatar_videos_due
  on public.avatar_videos (next_at, id) where next_at is not null;
create index if not exists avatar_leases_held
  on public.avatar_leases (lease_owner) where lease_until is not null;
create index if not exists avatar_jobs_of_record on public.avatar_jobs (record_id);
create index if not exists avatar_webhooks_of_training
  on public.avatar_webhooks (avatar_training_id, received_at);
create index if not exists avatar_webhooks_of_video
  on public.avatar_webhooks (avatar_video_id, received_at);
create index if not exists avatar_webhooks_of_user
  on public.avatar_webhooks (user_id, received_at desc, id desc);
create index if not exists avatar_webhooks_by_time on public.avatar_webhooks (received_at);
create index if not exists avatar_webhooks_pending on public.avatar_webhooks (received_at)
  where outcome in ('received', 'unmatched');
create index if not exists avatar_consents_of_user on public.avatar_consents (user_id);
create index if not exists avatar_ledger_of_record on public.avatar_ledger (record_id);
create index if not exists avatar_reservations_by_time on public.avatar_reservations (at);
create index if not exists avatar_reservations_of_user on public.avatar_reservations (whose, at);

-- Every record has a lease; upgraded records get their leases and jobs here.
insert into public.avatar_leases (record_id)
select t.id from public.avatar_training t
 where not exists (select from public.avatar_leases l where l.record_id = t.id)
on conflict do nothing;
do $$
begin
  if to_regclass('public.avatar_training_of_heygen') is not null
     and not exists (select from public.avatar_jobs) then
    insert into public.avatar_jobs (provider, operation, job_id, record_id)
    select o ->> 'provider', o ->> 'operation', o -> 'job' ->> 'id', t.id
      from public.avatar_training t
      join public.avatar_training_of_heygen h on h.id = t.id,
           jsonb_array_elements(t.doc::jsonb -> 'operations') o
     where o -> 'job' ->> 'id' is not null
    on conflict do nothing;
  end if;
end $$;

-- 2. Triggers: rules for all writers ---------------------------------------------------------------
-- All functions have an empty search_path, so that objects of other schemas cannot replace ours.

create or replace function public.avatarkit_guard() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    if old.status in ('completed', 'failed', 'cancelled') then
      if new.status is distinct from old.status then
        raise exception using errcode = 'AK001', message =
          format('%s is %s, which is final: it cannot become %s', old.id, old.status, new.status);
      end if;
      if new.progress is distinct from old.progress then
        raise exception using errcode = 'AK002',
          message = format('%s is %s: its progress stays', old.id, old.status);
      end if;
    elsif new.progress < old.progress then
      raise exception using errcode = 'AK002', message =
        format('progress of %s cannot fall from %s to %s', old.id, old.progress, new.progress);
    end if;
    if new.version < old.version then
      raise exception using errcode = 'AK003',
        message = format('version of %s cannot fall', old.id);
    end if;
    if new.updated_at is not distinct from old.updated_at then
      new.updated_at := clock_timestamp();
    end if;
  end if;
  if new.status = 'failed' and new.error_message is null then
    new.error_message := 'Training failed';
  end if;
  -- What browsers show of the action: its text, its address and every accepted answer.
  begin
    select jsonb_object_agg(shown.key, shown.value) into new.action
      from jsonb_each(nullif(new.doc::jsonb -> 'action', 'null')) shown
     where shown.key in ('kind', 'message', 'choices', 'url', 'text', 'expires_at', 'recording');
  exception when others then  -- a row that was edited by hand; the library names it
    new.action := null;
  end;
  return new;
end $$;

-- Copy the status of the newest training to the clone's row. If a check of the application refuses
-- the status, the clone keeps its old one, with a warning: the record is stored anyway.
create or replace function public.avatarkit_keep_in_step(p_clone_id text) returns void
language plpgsql set search_path = '' as $$
declare
  v_clone constant public.user_clones.id%type := p_clone_id;
  v_status text;
  v_ready boolean;
begin
  -- Lock first: then the next statement sees all commits of other writers.
  perform from public.user_clones where id = v_clone for no key update;
  select coalesce((select t.status from public.avatar_training t
                    where t.clone_id = v_clone and not t.deleted
                    order by t.created_at desc, t.id desc limit 1), 'pending'),
         exists (select from public.avatar_training t
                  where t.clone_id = v_clone and not t.deleted and t.status = 'completed')
    into v_status, v_ready;
  begin
    update public.user_clones c
       set training_status = v_status, avatar_ready = v_ready
     where c.id = v_clone
       and (c.training_status is distinct from v_status or c.avatar_ready is distinct from v_ready);
  exception when integrity_constraint_violation or string_data_right_truncation or raise_exception
  then
    raise warning 'public.user_clones does not accept the training_status %: it keeps the old one',
      v_status using hint = 'Let its checks, references and triggers allow every status of avatar_training.';
    begin
      update public.user_clones c set avatar_ready = v_ready
       where c.id = v_clone and c.avatar_ready is distinct from v_ready;
    exception when integrity_constraint_violation or raise_exception then
      null;  -- a rule about both columns: the clone keeps its values
    end;
  end;
end $$;

create or replace function public.avatarkit_clone_in_step() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    perform public.avatarkit_keep_in_step(old.clone_id::text);
  else
    perform public.avatarkit_keep_in_step(new.clone_id::text);
  end if;
  return null;
end $$;

create or replace function public.avatarkit_forget() returns trigger
language plpgsql set search_path = '' as $$
begin
  delete from public.avatar_leases where record_id = old.id;
  delete from public.avatar_jobs where record_id = old.id;
  return null;
end $$;

create or replace function public.avatarkit_count_waiting() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then  -- of one row
    insert into public.avatar_waiting (waits_for, records)
    select c.waits_for, c.records
      from (values (old.waits_for, -1, old.next_at), (new.waits_for, 1, new.next_at))
           c (waits_for, records, next_at)
     where c.next_at is not null;
  else  -- the rows of a statement
    insert into public.avatar_waiting (waits_for, records)
    select c.waits_for, count(*) * case tg_op when 'INSERT' then 1 else -1 end
      from changed c where c.next_at is not null group by 1;
  end if;
  if random() < 0.002 then
    perform public.avatarkit_sum_waiting();
  end if;
  return null;
end $$;

-- Replace the changes by their sums, in one transaction at a time.
create or replace function public.avatarkit_sum_waiting() returns void
language plpgsql set search_path = '' as $$
begin
  -- At a stricter isolation level, rows that another transaction has deleted are an error.
  if current_setting('transaction_isolation') <> 'read committed'
     or not pg_try_advisory_xact_lock(7021805911320040782) then
    return;
  end if;
  with changes as (delete from public.avatar_waiting returning waits_for, records)
  insert into public.avatar_waiting (waits_for, records)
  select c.waits_for, sum(c.records) from changes c group by 1 having sum(c.records) <> 0;
end $$;

create or replace trigger avatar_training_guard before insert or update on public.avatar_training
  for each row execute function public.avatarkit_guard();
create or replace trigger avatar_videos_guard before insert or update on public.avatar_videos
  for each row execute function public.avatarkit_guard();
create or replace trigger avatar_training_clone_made after insert or delete
  on public.avatar_training for each row execute function public.avatarkit_clone_in_step();
create or replace trigger avatar_training_clone_changed after update on public.avatar_training
  for each row
  when (old.status is distinct from new.status or old.deleted is distinct from new.deleted)
  execute function public.avatarkit_clone_in_step();
create or replace trigger avatar_training_forget after delete on public.avatar_training
  for each row execute function public.avatarkit_forget();
create or replace trigger avatar_videos_forget after delete on public.avatar_videos
  for each row execute function public.avatarkit_forget();
create or replace trigger avatar_training_comes after insert on public.avatar_training
  referencing new table as changed execute function public.avatarkit_count_waiting();
create or replace trigger avatar_training_goes after delete on public.avatar_training
  referencing old table as changed execute function public.avatarkit_count_waiting();
create or replace trigger avatar_training_moves after update on public.avatar_training
  for each row
  when (old.waits_for is distinct from new.waits_for
        or (old.next_at is null) <> (new.next_at is null))
  execute function public.avatarkit_count_waiting();
create or replace trigger avatar_videos_comes after insert on public.avatar_videos
  referencing new table as changed execute function public.avatarkit_count_waiting();
create or replace trigger avatar_videos_goes after delete on public.avatar_videos
  referencing old table as changed execute function public.avatarkit_count_waiting();
create or replace trigger avatar_videos_moves after update on public.avatar_videos
  for each row
  when (old.waits_for is distinct from new.waits_for
        or (old.next_at is null) <> (new.next_at is null))
  execute function public.avatarkit_count_waiting();

-- Count the waiting records: others came before the triggers, by TRUNCATE, or from a backup. Until
-- this file is applied, the triggers' locks keep writers of these tables out.
delete from public.avatar_waiting;
insert into public.avatar_waiting (waits_for, records)
select r.waits_for, count(*)
  from (select t.waits_for from public.avatar_training t where t.next_at is not null
        union all
        select v.waits_for from public.avatar_videos v where v.next_at is not null) r
 group by 1;

-- Rows were upgraded before the triggers existed.
do $$
begin
  if to_regclass('public.avatar_training_of_heygen') is not null then
    perform public.avatarkit_keep_in_step(c.id::text) from public.user_clones c
      where c.id in (select t.clone_id from public.avatar_training t
                       join public.avatar_training_of_heygen h on h.id = t.id)
      order by c.id;
  end if;
end $$;

-- 3. Functions: one statement each for a driver and for PostgREST ---------------------------------
-- All run with the rights of the caller. p_kind is 'training' or 'video'; p_row is the row as an
-- object, with times as ISO 8601. p_now replaces the server's time, for tests; p_lease_now replaces
-- it for leases only.

create or replace function public.avatarkit_now() returns double precision
language sql volatile set search_path = '' as $$
  select extract(epoch from clock_timestamp())::double precision
$$;

create or replace function public.avatarkit_get(p_id text)
returns table (kind text, doc text)
language plpgsql stable set search_path = '' as $$
declare
  v_id constant public.avatar_training.id%type := p_id;
begin
  return query
    select 'training'::text, t.doc from public.avatar_training t where t.id = v_id
    union all
    select 'video'::text, v.doc from public.avatar_videos v where v.id = v_id;
end $$;

-- Insert a missing clone; AK004 if it belongs to another user.
create or replace function public.avatarkit_admit(p_user_id text, p_clone_id text, p_at timestamptz)
returns void language plpgsql set search_path = '' as $$
declare
  v_user constant public.user_clones.user_id%type := p_user_id;
  v_clone constant public.user_clones.id%type := p_clone_id;
  v_owner public.user_clones.user_id%type;
begin
  select c.user_id into v_owner from public.user_clones c where c.id = v_clone;
  if not found then
    insert into public.user_clones (id, user_id, created_at)
    values (v_clone, v_user, coalesce(p_at, clock_timestamp())) on conflict (id) do nothing;
    select c.user_id into v_owner from public.user_clones c where c.id = v_clone;
  end if;
  if v_owner is distinct from v_user then
    raise exception using errcode = 'AK004', message = format('there is no clone %s', p_clone_id);
  end if;
end $$;

create or replace function public.avatarkit_index_jobs(p_id text, p_jobs jsonb)
returns void language plpgsql set search_path = '' as $$
declare
  v_id constant public.avatar_jobs.record_id%type := p_id;
begin
  delete from public.avatar_jobs j
   where j.record_id = v_id
     and not p_jobs @> jsonb_build_array(jsonb_build_array(j.provider, j.operation, j.job_id));
  insert into public.avatar_jobs (provider, operation, job_id, record_id)
  select job ->> 0, job ->> 1, job ->> 2, v_id from jsonb_array_elements(p_jobs) job
  on conflict do nothing;
end $$;

-- Amounts of the records that were created from p_since to before p_until.
create or replace function public.avatarkit_held(
  p_since timestamptz, p_until timestamptz, p_whose text default null)
returns table (spent bigint, reserved bigint)
language sql stable set search_path = '' as $$
  select coalesce(sum(r.spent), 0)::bigint, coalesce(sum(r.reserved), 0)::bigint
    from public.avatar_reservations r
   where r.at >= p_since and r.at < p_until and (p_whose is null or r.whose = p_whose)
$$;

-- Store the reservation of a record; its user and time never change.
create or replace function public.avatarkit_reserve(p_row jsonb)
returns void language sql set search_path = '' as $$
  insert into public.avatar_reservations
  select (jsonb_populate_record(null::public.avatar_reservations, p_row)).*
  on conflict (record_id) do update set reserved = excluded.reserved, spent = excluded.spent
$$;

-- The first of p_caps without room for p_asked more: its index, from 0, and the amount in use.
-- p_caps: [{amount, since, until, whose}, ...]. The lock lasts until the transaction ends, so that
-- concurrent callers see each other's reservations.
create or replace function public.avatarkit_full(p_asked bigint, p_caps jsonb)
returns table (cap integer, held bigint)
language plpgsql set search_path = '' as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'AK005', message =
      'budgets need transactions that are read committed: see default_transaction_isolation';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('avatarkit budgets', 0));
  return query
    select (c.place - 1)::integer, h.spent + h.reserved
      from jsonb_array_elements(p_caps) with ordinality c (cap, place),
           public.avatarkit_held((c.cap ->> 'since')::timestamptz,
                                 (c.cap ->> 'until')::timestamptz, c.cap ->> 'whose') h
     where h.spent + h.reserved + p_asked > (c.cap ->> 'amount')::bigint
     order by c.place limit 1;
end $$;

-- Insert; if the id exists, return the stored record and created = false. If a cap has no room,
-- insert nothing, and return its index and the amount in use.
-- p_jobs: [[provider, operation, job id], ...]. p_reservation: a row of avatar_reservations.
create or replace function public.avatarkit_create(
  p_kind text, p_row jsonb, p_jobs jsonb default '[]'::jsonb,
  p_reservation jsonb default null, p_caps jsonb default '[]'::jsonb)
returns table (created boolean, kind text, doc text, cap integer, held bigint)
language plpgsql set search_path = '' as $$
declare
  v_training public.avatar_training;
  v_video public.avatar_videos;
begin
  -- Concurrent calls for the same id wait, also across the two tables.
  perform pg_advisory_xact_lock(hashtextextended('avatarkit ' || (p_row ->> 'id'), 0));
  return query
    select false, g.kind, g.doc, null::integer, null::bigint
      from public.avatarkit_get(p_row ->> 'id') g;
  if found then
    return;
  end if;
  if p_reservation is not null and jsonb_array_length(p_caps) > 0 then
    return query
      select false, null::text, null::text, f.cap, f.held
        from public.avatarkit_full((p_reservation ->> 'reserved')::bigint, p_caps) f;
    if found then
      return;
    end if;
  end if;
  perform public.avatarkit_admit(
    p_row ->> 'user_id', p_row ->> 'clone_id', (p_row ->> 'created_at')::timestamptz);
  if p_kind = 'training' then
    v_training := jsonb_populate_record(null::public.avatar_training, p_row);
    insert into public.avatar_training values (v_training.*);
  elsif p_kind = 'video' then
    v_video := jsonb_populate_record(null::public.avatar_videos, p_row);
    insert into public.avatar_videos values (v_video.*);
  else
    raise exception using errcode = '22023', message = 'p_kind is training or video';
  end if;
  insert into public.avatar_leases (record_id)
  select l.record_id
    from jsonb_populate_record(
           null::public.avatar_leases, jsonb_build_object('record_id', p_row ->> 'id')) l
  on conflict do nothing;
  if jsonb_array_length(p_jobs) > 0 then
    perform public.avatarkit_index_jobs(p_row ->> 'id', p_jobs);
  end if;
  if p_reservation is not null then
    perform public.avatarkit_reserve(p_reservation);
  end if;
  return query select true, p_kind, p_row ->> 'doc', null::integer, null::bigint;
end $$;

-- Replace the row if it still has p_version (compare-and-swap); false for a lost race. p_row has the
-- new version. p_jobs null: unchanged. p_ledger: rows of avatar_ledger; a known id is skipped.
-- p_reservation null: unchanged. A record that waits after the change loses its lease: its visit
-- ends with that.
create or replace function public.avatarkit_save(
  p_kind text, p_version bigint, p_row jsonb, p_jobs jsonb default null,
  p_ledger jsonb default null, p_reservation jsonb default null)
returns boolean language plpgsql set search_path = '' as $$
declare
  t public.avatar_training;
  v public.avatar_videos;
begin
  if p_kind = 'training' then
    t := jsonb_populate_record(null::public.avatar_training, p_row);
    update public.avatar_training r set
      user_id = case when p_row ? 'user_id' then t.user_id else r.user_id end,
      clone_id = case when p_row ? 'clone_id' then t.clone_id else r.clone_id end,
      stack = t.stack, idempotency_key = t.idempotency_key,
      status = t.status, progress = t.progress, waits_for = t.waits_for,
      voice_provider = t.voice_provider, provider_voice_id = t.provider_voice_id,
      avatar_provider = t.avatar_provider, provider_avatar_id = t.provider_avatar_id,
      avatar_video_url = t.avatar_video_url, avatar_thumbnail_url = t.avatar_thumbnail_url,
      sample_video_url = t.sample_video_url,
      error_message = t.error_message, error_type = t.error_type,
      training_started_at = t.training_started_at,
      training_completed_at = t.training_completed_at,
      updated_at = t.updated_at, next_at = t.next_at, deleted = t.deleted,
      version = t.version, doc = t.doc
     where r.id = t.id and r.version = p_version;
  elsif p_kind = 'video' then
    v := jsonb_populate_record(null::public.avatar_videos, p_row);
    update public.avatar_videos r set
      user_id = case when p_row ? 'user_id' then v.user_id else r.user_id end,
      clone_id = case when p_row ? 'clone_id' then v.clone_id else r.clone_id end,
      stack = v.stack, idempotency_key = v.idempotency_key,
      status = v.status, progress = v.progress, waits_for = v.waits_for,
      voice_provider = v.voice_provider, provider_voice_id = v.provider_voice_id,
      avatar_provider = v.avatar_provider, provider_avatar_id = v.provider_avatar_id,
      video_url = v.video_url, thumbnail_url = v.thumbnail_url,
      error_message = v.error_message, error_type = v.error_type,
      started_at = v.started_at, completed_at = v.completed_at,
      updated_at = v.updated_at, next_at = v.next_at, deleted = v.deleted,
      version = v.version, doc = v.doc
     where r.id = v.id and r.version = p_version;
  else
    raise exception using errcode = '22023', message = 'p_kind is training or video';
  end if;
  if not found then
    return false;
  end if;
  if p_jobs is not null then
    perform public.avatarkit_index_jobs(p_row ->> 'id', p_jobs);
  end if;
  if (p_row ->> 'next_at') is null
     or (p_row ->> 'next_at')::timestamptz > (p_row ->> 'updated_at')::timestamptz then
    update public.avatar_leases l set lease_owner = null, lease_until = null
     where l.record_id in (t.id, v.id) and l.lease_until is not null;
  end if;
  if p_ledger is not null then
    insert into public.avatar_ledger
      (id, record_id, operation, provider, account, attempt, job_id, cost, at, quoted)
    select e.id, e.record_id, e.operation, e.provider, e.account, e.attempt, e.job_id, e.cost, e.at,
           e.quoted
      from jsonb_populate_recordset(null::public.avatar_ledger, p_ledger) e
    on conflict (id) do nothing;
  end if;
  if p_reservation is not null then
    perform public.avatarkit_reserve(p_reservation);
  end if;
  return true;
end $$;

-- Lease up to p_limit due records, oldest first, tombstones included. Two workers never get the
-- same record, and do not wait for each other. The fence identifies the claim.
create or replace function public.avatarkit_claim(
  p_owner text, p_limit integer, p_seconds double precision,
  p_now timestamptz default null, p_lease_now timestamptz default null)
returns table (kind text, id text, fence bigint, doc text)
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := coalesce(p_now, clock_timestamp());
  v_lease_now constant timestamptz := coalesce(p_lease_now, v_now);
  v_left integer := p_limit;
  v_got public.avatar_leases[];
  v_more public.avatar_leases[];
  v_wide bigint := p_limit;
  v_seen bigint;
begin
  -- Records that other workers are claiming now are skipped, so the search widens while fewer than
  -- p_limit were found and more may be due.
  while v_left > 0 loop
    v_wide := v_wide * 2;
    with due as materialized (
      select d.id, d.next_at from (
        (select t.id, t.next_at from public.avatar_training t
           join public.avatar_leases l on l.record_id = t.id
          where t.next_at <= v_now and (l.lease_until is null or l.lease_until <= v_lease_now)
          order by t.next_at, t.id limit v_wide)
        union all
        (select v.id, v.next_at from public.avatar_videos v
           join public.avatar_leases l on l.record_id = v.id
          where v.next_at <= v_now and (l.lease_until is null or l.lease_until <= v_lease_now)
          order by v.next_at, v.id limit v_wide)) d
       order by d.next_at, d.id
    ), free as materialized (
      select l.record_id from due join public.avatar_leases l on l.record_id = due.id
       where l.lease_until is null or l.lease_until <= v_lease_now
       order by due.next_at, due.id
       limit v_left for update of l skip locked
    ), held as (
      update public.avatar_leases l
         set fence = l.fence + 1, lease_owner = p_owner,
             lease_until = v_lease_now + make_interval(secs => p_seconds)
        from free where l.record_id = free.record_id
      returning l.*
    )
    select array_agg(held.*::public.avatar_leases), (select count(*) from due)
      into v_more, v_seen from held;
    v_got := v_got || v_more;
    v_left := v_left - coalesce(cardinality(v_more), 0);
    exit when v_seen < v_wide;  -- no more records are due
  end loop;
  -- A separate statement: it sees all changes that were saved before the leases were taken.
  return query
    select c.kind, c.id::text, c.fence, c.doc from (
      select 'training'::text as kind, t.id, g.fence, t.doc, t.next_at
        from unnest(v_got) g join public.avatar_training t on t.id = g.record_id
      union all
      select 'video'::text, v.id, g.fence, v.doc, v.next_at
        from unnest(v_got) g join public.avatar_videos v on v.id = g.record_id) c
     order by c.next_at, c.id;
end $$;

-- Let every valid lease of p_owner end p_seconds from now; return their count.
create or replace function public.avatarkit_renew(
  p_owner text, p_seconds double precision, p_lease_now timestamptz default null)
returns integer language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := coalesce(p_lease_now, clock_timestamp());
  v_count integer;
begin
  update public.avatar_leases
     set lease_until = v_now + make_interval(secs => p_seconds)
   where lease_owner = p_owner and lease_until > v_now;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- End a claim; false if its fence is not the newest. With p_pause the record is not claimed for so
-- many seconds, as if it cannot be read.
create or replace function public.avatarkit_release(
  p_id text, p_fence bigint, p_pause double precision default 0,
  p_lease_now timestamptz default null)
returns boolean language plpgsql set search_path = '' as $$
declare
  v_id constant public.avatar_leases.record_id%type := p_id;
begin
  update public.avatar_leases
     set lease_owner = null,
         lease_until = case when p_pause > 0 then
           coalesce(p_lease_now, clock_timestamp()) + make_interval(secs => p_pause) end
   where record_id = v_id and fence = p_fence;
  return found;
end $$;

-- Due time of the earliest record without a lease, in seconds since 1970.
create or replace function public.avatarkit_next_due(p_lease_now timestamptz default null)
returns double precision language plpgsql stable set search_path = '' as $$
declare
  v_now constant timestamptz := coalesce(p_lease_now, clock_timestamp());
begin
  return extract(epoch from least(
    (select t.next_at from public.avatar_training t
       join public.avatar_leases l on l.record_id = t.id
      where t.next_at is not null and (l.lease_until is null or l.lease_until <= v_now)
      order by t.next_at limit 1),
    (select v.next_at from public.avatar_videos v
       join public.avatar_leases l on l.record_id = v.id
      where v.next_at is not null and (l.lease_until is null or l.lease_until <= v_now)
      order by v.next_at limit 1)));
end $$;

-- Number of waiting records per provider. p_now also applies to leases.
create or replace function public.avatarkit_backlog(p_now timestamptz default null)
returns table (provider text, waiting bigint, due bigint, held bigint, oldest double precision)
language plpgsql stable set search_path = '' as $$
declare
  v_now constant timestamptz := coalesce(p_now, clock_timestamp());
begin
  return query
    with waits as (
      select coalesce(w.waits_for, '') as provider, sum(w.records)::bigint as records
        from public.avatar_waiting w group by 1 having sum(w.records) > 0
    ), free as (
      select coalesce(r.waits_for, '') as provider, count(*) as records, min(r.next_at) as oldest
        from (
          select t.id, t.waits_for, t.next_at from public.avatar_training t where t.next_at <= v_now
          union all
          select v.id, v.waits_for, v.next_at from public.avatar_videos v where v.next_at <= v_now) r
       where not exists (  -- of the leases only those that are held, which are few
         select from public.avatar_leases l where l.record_id = r.id and l.lease_until > v_now)
       group by 1
    ), taken as (
      select coalesce(r.waits_for, '') as provider, count(*) as records
        from public.avatar_leases l
        cross join lateral (
          select t.waits_for from public.avatar_training t
           where t.id = l.record_id and t.next_at is not null
          union all
          select v.waits_for from public.avatar_videos v
           where v.id = l.record_id and v.next_at is not null) r
       where l.lease_until > v_now
       group by 1
    )
    select w.provider, w.records, coalesce(f.records, 0), coalesce(h.records, 0),
           extract(epoch from f.oldest)::double precision
      from waits w
      left join free f on f.provider = w.provider
      left join taken h on h.provider = w.provider
     order by 1;
end $$;

-- Take a slot of a vendor account for p_seconds: 0 if it is taken, else the seconds after which to
-- ask again. p_places: slots at once; p_rate: slots per second, with bursts of one second's worth
-- (a "leaky bucket as a meter": paced is when it will be empty).
create or replace function public.avatarkit_take_place(
  p_account text, p_holder text, p_places integer, p_rate double precision,
  p_seconds double precision, p_now timestamptz default null)
returns double precision language plpgsql set search_path = '' as $$
declare
  v_now timestamptz;
  v_paced timestamptz;
  v_held integer;
  v_ends timestamptz;
  v_wait double precision;
begin
  insert into public.avatar_accounts (account) values (p_account) on conflict do nothing;
  select a.paced into v_paced from public.avatar_accounts a where a.account = p_account for update;
  v_now := coalesce(p_now, clock_timestamp());  -- after waiting for the lock
  delete from public.avatar_places p where p.account = p_account and p.until <= v_now;
  if p_places is not null then
    select count(*), min(p.until) into v_held, v_ends
      from public.avatar_places p where p.account = p_account and p.holder <> p_holder;
    if v_held >= p_places then
      return least(0.5, extract(epoch from v_ends - v_now));
    end if;
  end if;
  if p_rate is not null then
    v_paced := greatest(v_paced, v_now);
    v_wait := extract(epoch from v_paced - v_now) - (greatest(1.0, p_rate) - 1.0) / p_rate;
    if v_wait > 0.000001 then
      return v_wait;
    end if;
    update public.avatar_accounts set paced = v_paced + make_interval(secs => 1.0 / p_rate)
     where account = p_account;
  end if;
  insert into public.avatar_places (account, holder, until)
  values (p_account, p_holder, v_now + make_interval(secs => p_seconds))
  on conflict (account, holder) do update set until = excluded.until;
  return 0;
end $$;

create or replace function public.avatarkit_leave_place(p_account text, p_holder text)
returns void language sql set search_path = '' as $$
  delete from public.avatar_places where account = p_account and holder = p_holder
$$;

-- Record that holds a job: the oldest of several, deleted ones last.
create or replace function public.avatarkit_find_job(
  p_provider text, p_operation text, p_job_id text)
returns table (kind text, id text, doc text)
language plpgsql stable set search_path = '' as $$
begin
  return query
    select r.kind, r.id::text, r.doc from (
      select 'training'::text as kind, t.id, t.doc, t.deleted, t.created_at
        from public.avatar_jobs j join public.avatar_training t on t.id = j.record_id
       where j.provider = p_provider and j.operation = p_operation and j.job_id = p_job_id
      union all
      select 'video'::text, v.id, v.doc, v.deleted, v.created_at
        from public.avatar_jobs j join public.avatar_videos v on v.id = j.record_id
       where j.provider = p_provider and j.operation = p_operation and j.job_id = p_job_id) r
     order by r.deleted, r.created_at, r.id limit 1;
end $$;

-- Store a sample; p_role is 'voice' or 'footage'. Return the document that was stored first.
create or replace function public.avatarkit_add_sample(p_role text, p_row jsonb)
returns text language plpgsql set search_path = '' as $$
declare
  r public.voice_samples;
  f public.video_samples;
  v_doc text;
begin
  perform public.avatarkit_admit(
    p_row ->> 'user_id', p_row ->> 'clone_id', (p_row ->> 'created_at')::timestamptz);
  if p_role = 'voice' then
    r := jsonb_populate_record(null::public.voice_samples, p_row);
    insert into public.voice_samples (id, user_id, clone_id, file_path, content_type, size_bytes,
                                      sha256, created_at, doc)
    values (r.id, r.user_id, r.clone_id, r.file_path, r.content_type, r.size_bytes,
            r.sha256, r.created_at, r.doc)
    on conflict (clone_id, sha256) do nothing;
    select s.doc into v_doc from public.voice_samples s
     where s.clone_id = r.clone_id and s.sha256 = r.sha256;
  elsif p_role = 'footage' then
    f := jsonb_populate_record(null::public.video_samples, p_row);
    insert into public.video_samples (id, user_id, clone_id, file_path, content_type, size_bytes,
                                      sha256, created_at, doc)
    values (f.id, f.user_id, f.clone_id, f.file_path, f.content_type, f.size_bytes,
            f.sha256, f.created_at, f.doc)
    on conflict (clone_id, sha256) do nothing;
    select s.doc into v_doc from public.video_samples s
     where s.clone_id = f.clone_id and s.sha256 = f.sha256;
  else
    raise exception using errcode = '22023', message = 'p_role is voice or footage';
  end if;
  return v_doc;
end $$;

-- Delete a sample of ours; do nothing if there is none.
create or replace function public.avatarkit_remove_sample(p_role text, p_id text)
returns void language plpgsql set search_path = '' as $$
declare
  v_voice constant public.voice_samples.id%type := p_id;
  v_footage constant public.video_samples.id%type := p_id;
begin
  if p_role = 'voice' then
    delete from public.voice_samples s where s.id = v_voice and s.doc is not null;
  elsif p_role = 'footage' then
    delete from public.video_samples s where s.id = v_footage and s.doc is not null;
  else
    raise exception using errcode = '22023', message = 'p_role is voice or footage';
  end if;
end $$;

-- Store a consent; return the document that was stored first. If its evidence was dropped, it gets
-- the evidence of this one, unless it was revoked.
create or replace function public.avatarkit_add_consent(p_row jsonb)
returns text language plpgsql set search_path = '' as $$
declare
  c constant public.avatar_consents := jsonb_populate_record(null::public.avatar_consents, p_row);
  v_doc text;
begin
  insert into public.avatar_consents as k values (c.*)
  on conflict (id) do update
     set doc = jsonb_set(k.doc::jsonb, '{evidence_file}', c.doc::jsonb -> 'evidence_file')::text
   where k.doc::jsonb ->> 'evidence_file' is null and k.doc::jsonb ->> 'revoked_at' is null
     and c.doc::jsonb ->> 'evidence_file' is not null;
  select k.doc into v_doc from public.avatar_consents k where k.id = c.id;
  return v_doc;
end $$;

-- Store the time of the first revocation, in seconds since 1970.
create or replace function public.avatarkit_revoke_consent(p_id text, p_at double precision)
returns text language plpgsql set search_path = '' as $$
declare
  v_id constant public.avatar_consents.id%type := p_id;
  v_doc text;
begin
  select k.doc into v_doc from public.avatar_consents k where k.id = v_id for update;
  if v_doc::jsonb ->> 'revoked_at' is null then
    update public.avatar_consents k
       set doc = jsonb_set(k.doc::jsonb, '{revoked_at}', to_jsonb(p_at))::text
     where k.id = v_id
    returning k.doc into v_doc;
  end if;
  return v_doc;
end $$;

-- Remove the evidence of a consent.
create or replace function public.avatarkit_drop_evidence(p_id text)
returns text language plpgsql set search_path = '' as $$
declare
  v_id constant public.avatar_consents.id%type := p_id;
  v_doc text;
begin
  update public.avatar_consents k
     set doc = jsonb_set(k.doc::jsonb, '{evidence_file}', 'null')::text
   where k.id = v_id
  returning k.doc into v_doc;
  return v_doc;
end $$;

-- Delete a user's samples, consents, deliveries and clones; return the count of each, and of the
-- records that are not deleted. Tombstones drop their clone first: its foreign key would delete them.
-- An application's own rows stay: clones in a table of its own, and samples without a document.
-- Spending stays as well, without p_whose.
create or replace function public.avatarkit_erase(p_user_id text, p_whose text)
returns bigint[] language plpgsql set search_path = '' as $$
declare
  v_user constant public.user_clones.user_id%type := p_user_id;
  v_gone bigint[] := '{0,0,0,0,0}';
  v_count bigint;
begin
  delete from public.voice_samples s where s.user_id = v_user and s.doc is not null;
  get diagnostics v_count = row_count;
  v_gone[1] := v_count;
  delete from public.video_samples s where s.user_id = v_user and s.doc is not null;
  get diagnostics v_count = row_count;
  v_gone[1] := v_gone[1] + v_count;
  delete from public.avatar_consents c where c.user_id = v_user;
  get diagnostics v_count = row_count;
  v_gone[2] := v_count;
  delete from public.avatar_webhooks w where w.user_id = v_user;
  get diagnostics v_count = row_count;
  v_gone[3] := v_count;
  update public.avatar_reservations r set whose = '' where r.whose = p_whose;
  if to_regclass('public.avatar_training_of_heygen') is not null then  -- old rows of an upgrade
    execute 'delete from public.avatar_training_of_heygen where user_id = $1' using v_user;
  end if;
  update public.avatar_training t set clone_id = null where t.user_id = v_user and t.deleted;
  update public.avatar_videos v set clone_id = null where v.user_id = v_user and v.deleted;
  if obj_description('public.user_clones'::regclass, 'pg_class') = 'made by avatarkit' then
    delete from public.user_clones c
     where c.user_id = v_user
       and not exists (select from public.avatar_training t where t.clone_id = c.id)
       and not exists (select from public.avatar_videos v where v.clone_id = c.id)
       and not exists (select from public.voice_samples s where s.clone_id = c.id)
       and not exists (select from public.video_samples s where s.clone_id = c.id);
    get diagnostics v_count = row_count;
    v_gone[4] := v_count;
  end if;
  v_gone[5] :=
    (select count(*) from public.avatar_training t where t.user_id = v_user and not t.deleted)
    + (select count(*) from public.avatar_videos v where v.user_id = v_user and not v.deleted);
  return v_gone;
end $$;

-- Delete the deliveries about a record; p_naming is the text of one that only names its token.
create or replace function public.avatarkit_drop_webhooks(p_record_id text, p_naming text)
returns void language plpgsql set search_path = '' as $$
declare
  v_id constant public.avatar_training.id%type := p_record_id;
begin
  delete from public.avatar_webhooks w where w.avatar_training_id = v_id;
  delete from public.avatar_webhooks w where w.avatar_video_id = v_id;
  delete from public.avatar_webhooks w
   where w.avatar_training_id is null and w.avatar_video_id is null
     and strpos(w.doc, p_naming) > 0;
end $$;

-- Store a delivery; false if this event of this provider is known already. p_body is base64.
create or replace function public.avatarkit_log_webhook(
  p_provider text, p_event_id text, p_event_type text, p_body text, p_received_at timestamptz,
  p_record_id text default null, p_outcome text default 'received', p_doc text default null)
returns boolean language plpgsql set search_path = '' as $$
declare
  v_id public.avatar_training.id%type;
  v_bytes constant bytea := decode(p_body, 'base64');
  v_payload jsonb;
  v_body bytea;
  v_training public.avatar_training.id%type;
  v_video public.avatar_videos.id%type;
  v_user public.avatar_training.user_id%type;
begin
  begin
    v_payload := convert_from(v_bytes, 'utf8')::jsonb;
  exception when data_exception or character_not_in_repertoire or untranslatable_character
              or statement_too_complex or program_limit_exceeded then
    v_body := v_bytes;
  end;
  if p_record_id is not null then
    v_id := p_record_id;
    select t.id, t.user_id into v_training, v_user
      from public.avatar_training t where t.id = v_id;
    if not found then
      select v.id, v.user_id into v_video, v_user from public.avatar_videos v where v.id = v_id;
    end if;
  end if;
  insert into public.avatar_webhooks (provider, event_id, event_type, payload, body, received_at,
                                      avatar_training_id, avatar_video_id, user_id, outcome, doc)
  values (p_provider, p_event_id, p_event_type, v_payload, v_body, p_received_at,
          v_training, v_video, v_user, p_outcome, p_doc)
  on conflict (provider, event_id) do nothing;
  return found;
end $$;

-- Store the outcome of a delivery, and its record if that is known.
create or replace function public.avatarkit_settle_webhook(
  p_provider text, p_event_id text, p_outcome text, p_record_id text default null)
returns void language plpgsql set search_path = '' as $$
declare
  v_id constant public.avatar_training.id%type := p_record_id;
begin
  update public.avatar_webhooks w
     set outcome = p_outcome,
         avatar_training_id = coalesce(t.id, w.avatar_training_id),
         avatar_video_id = coalesce(v.id, w.avatar_video_id),
         user_id = coalesce(t.user_id, v.user_id, w.user_id)
    from (select v_id as id) r
    left join public.avatar_training t on t.id = r.id
    left join public.avatar_videos v on v.id = r.id
   where w.provider = p_provider and w.event_id = p_event_id;
end $$;

-- Deliveries, newest first, before (p_at, p_key). With p_pending: deliveries to apply, "received"
-- before "unmatched", since there may be many with an unknown job. body is base64.
create or replace function public.avatarkit_webhooks(
  p_limit integer, p_user_id text default null, p_provider text default null,
  p_event_id text default null, p_outcome text default null,
  p_at timestamptz default null, p_key text default null, p_pending boolean default false)
returns table (provider text, event_id text, event_type text, body text,
               received_at double precision, record_id text, outcome text, doc text)
language plpgsql stable set search_path = '' as $$
declare
  v_user constant public.avatar_training.user_id%type := p_user_id;
begin
  if p_pending then
    return query
      select w.provider, w.event_id, w.event_type, public.avatarkit_body(w),
             extract(epoch from w.received_at)::double precision,
             coalesce(w.avatar_training_id, w.avatar_video_id)::text, w.outcome, w.doc
        from public.avatar_webhooks w
       where w.outcome in ('received', 'unmatched') and w.doc is not null
       order by w.outcome, w.received_at limit p_limit;
    return;
  end if;
  return query
    select w.provider, w.event_id, w.event_type, public.avatarkit_body(w),
           extract(epoch from w.received_at)::double precision,
           coalesce(w.avatar_training_id, w.avatar_video_id)::text, w.outcome, w.doc
      from public.avatar_webhooks w
     where (v_user is null or w.user_id = v_user)
       and (p_provider is null or w.provider = p_provider)
       and (p_event_id is null or w.event_id = p_event_id)
       and (p_outcome is null or w.outcome = p_outcome)
       and (p_at is null or w.received_at <= p_at)
       and (p_at is null or w.received_at < p_at
            or (w.provider || ' ' || w.event_id) collate "C" < p_key collate "C")
     order by w.received_at desc, (w.provider || ' ' || w.event_id) collate "C" desc
     limit p_limit;
end $$;

-- Body of a delivery in base64; JSON with the same meaning, but not the same bytes.
create or replace function public.avatarkit_body(w public.avatar_webhooks)
returns text language sql immutable set search_path = '' as $$
  select encode(coalesce(w.body, convert_to(w.payload::text, 'utf8')), 'base64')
$$;

-- 4. Supabase: grants and policies -----------------------------------------------------------------

do $$
declare
  item record;
  own constant text[] := array['avatar_training', 'avatar_videos', 'avatar_webhooks',
    'avatar_consents', 'avatar_jobs', 'avatar_ledger', 'avatar_leases', 'avatar_accounts',
    'avatar_places', 'avatar_reservations', 'avatar_waiting'];
begin
  if to_regclass('auth.users') is null or to_regprocedure('auth.uid()') is null then
    return;
  end if;

  -- PUBLIC may execute every new function, and older projects grant it to all roles.
  for item in
    select p.oid::regprocedure as signature from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.proname like 'avatarkit\_%'
  loop
    execute format('revoke all on function %s from public, anon, authenticated', item.signature);
    execute format('grant execute on function %s to service_role', item.signature);
  end loop;

  -- Our tables, and the tables of the application that this file created.
  for item in
    select c.relname as tab from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
       and (c.relname = any (own)
            or (c.relname in ('user_clones', 'voice_samples', 'video_samples')
                and obj_description(c.oid, 'pg_class') = 'made by avatarkit'))
  loop
    execute format('alter table public.%I enable row level security', item.tab);
    execute format('revoke all on public.%I from public, anon, authenticated, service_role',
                   item.tab);
    execute format('grant select, insert, update, delete on public.%I to service_role', item.tab);
  end loop;
  -- A sequence of an identity column works without a grant, and no role may read or set it.
  for item in
    select d.objid::regclass as sequence
      from pg_depend d join pg_class c on c.oid = d.refobjid
      join pg_class s on s.oid = d.objid and s.relkind = 'S'
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
       and c.relnamespace = 'public'::regnamespace and c.relname = any (own)
       and d.deptype = 'i'  -- one of a serial column belongs to the application, and needs its grant
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated, service_role',
                   item.sequence);
  end loop;
  -- An application's own tables keep their policies and grants; service_role needs these.
  grant select, insert, update on public.user_clones, public.voice_samples, public.video_samples
    to service_role;
  grant delete on public.voice_samples, public.video_samples to service_role;
  if to_regclass('public.avatar_training_of_heygen') is not null then  -- for erasure
    grant select (user_id), delete on public.avatar_training_of_heygen to service_role;
  end if;

  -- Only this file defines policies of our tables; others are left from the upgraded tables.
  for item in
    select p.tablename as tab, p.policyname as policy from pg_policies p
     where p.schemaname = 'public' and p.tablename = any (own)
     order by 1, 2
  loop
    execute format('drop policy %I on public.%I', item.policy, item.tab);
    if item.policy not like 'users read own %' then
      raise warning 'the policy % on public.% was dropped: avatarkit defines all policies of this table',
        quote_ident(item.policy), item.tab
        using hint = 'If you need its rows, serve them through your own function or view.';
    end if;
  end loop;

  -- auth.uid() is in a sub-select, so that it is called once and not for each row. Every table has a
  -- user_id: "in (select own clones)" could use no index, and would read whole tables.
  -- What was deleted is gone for its user, though its row stays until the vendors' copies are.
  create policy "users read own trainings" on public.avatar_training
    for select to authenticated using (user_id = (select auth.uid()) and not deleted);
  create policy "users read own videos" on public.avatar_videos
    for select to authenticated using (user_id = (select auth.uid()) and not deleted);
  create policy "users read own consents" on public.avatar_consents
    for select to authenticated using (user_id = (select auth.uid()));
  create policy "users read own webhook log" on public.avatar_webhooks
    for select to authenticated using (user_id = (select auth.uid()));

  -- Browsers read the columns that were made for them, and a new column only if it is added here.
  -- "doc" has vendors' job ids, costs and account names, and evidence: it is for service_role only,
  -- so `select=*` is refused. Grants on columns, not views: a view would need the same grants, or
  -- bypass the policies.
  for item in
    select shown.tab, shown.columns
      from (values
        ('avatar_training', 'id, user_id, clone_id, status, progress, action, error_message, '
         'avatar_video_url, avatar_thumbnail_url, sample_video_url, training_started_at, '
         'training_completed_at, created_at, updated_at, version'),
        ('avatar_videos', 'id, user_id, clone_id, training_id, status, progress, action, '
         'error_message, video_url, thumbnail_url, started_at, completed_at, created_at, '
         'updated_at, version'),
        ('avatar_consents', 'id, user_id, subject, real_person, given_at'),
        ('avatar_webhooks',
         'id, avatar_training_id, avatar_video_id, event_type, outcome, received_at'),
        ('user_clones', 'id, user_id, training_status, avatar_ready, created_at'),
        ('voice_samples', 'id, clone_id, user_id, file_path, content_type, size_bytes, created_at'),
        ('video_samples', 'id, clone_id, user_id, file_path, content_type, size_bytes, created_at')
      ) shown (tab, columns)
      join pg_class c on c.relnamespace = 'public'::regnamespace and c.relname = shown.tab
     where c.relname = any (own) or obj_description(c.oid, 'pg_class') = 'made by avatarkit'
  loop
    execute format('grant select (%s) on public.%I to authenticated', item.columns, item.tab);
  end loop;
  -- avatar_jobs, avatar_ledger, avatar_leases, avatar_accounts, avatar_places, avatar_reservations,
  -- avatar_waiting: no policy, service_role only.

  for item in
    select c.relname as tab from pg_class c
     where c.relnamespace = 'public'::regnamespace
       and c.relname in ('user_clones', 'voice_samples', 'video_samples')
       and obj_description(c.oid, 'pg_class') = 'made by avatarkit'
  loop
    execute format('drop policy if exists "users read own rows" on public.%I', item.tab);
    execute format('create policy "users read own rows" on public.%I for select '
                   'to authenticated using (user_id = (select auth.uid()))', item.tab);
  end loop;
  for item in
    select c.relname as tab from pg_class c
     where c.relnamespace = 'public'::regnamespace and not c.relrowsecurity
       and c.relname in ('user_clones', 'voice_samples', 'video_samples')
  loop
    raise warning 'public.% has no row level security; it was here before avatarkit', item.tab;
  end loop;
end $$;

-- 5. Supabase: Realtime ---------------------------------------------------------------------------

do $$
declare
  tab text;
begin
  if not exists (select from pg_publication
                 where pubname = 'supabase_realtime' and not puballtables) then
    return;
  end if;
  foreach tab in array array['avatar_training', 'avatar_videos'] loop
    if not exists (select from pg_publication_tables where pubname = 'supabase_realtime'
                   and schemaname = 'public' and tablename = tab) then
      execute format('alter publication supabase_realtime add table public.%I', tab);
    end if;
  end loop;
end $$;

-- 6. Supabase: Storage ----------------------------------------------------------------------------
-- Samples are under <user>/..., results under results/<id of the training or video>/...
-- Users cannot overwrite files: there is no policy for UPDATE.

do $$
declare
  item text;
begin
  if to_regclass('storage.buckets') is null or to_regprocedure('auth.uid()') is null then
    return;
  end if;
  insert into storage.buckets (id, name, public)
  values ('voice-samples', 'voice-samples', false), ('video-samples', 'video-samples', false),
         ('avatar-results', 'avatar-results', false)
  on conflict (id) do nothing;
  for item in
    select b.id from storage.buckets b
     where b.id in ('voice-samples', 'video-samples', 'avatar-results') and b.public order by b.id
  loop
    raise warning 'the bucket % is public: anyone with the name of a file can read it', item
      using hint = format('Make it private: update storage.buckets set public = false '
                          'where id = %L;', item);
  end loop;
  foreach item in array array['avatarkit users read own samples', 'avatarkit users add own samples',
                              'avatarkit users remove own samples',
                              'avatarkit users read own results'] loop
    execute format('drop policy if exists %I on storage.objects', item);
  end loop;
  create policy "avatarkit users read own samples" on storage.objects for select to authenticated
    using (bucket_id in ('voice-samples', 'video-samples')
           and (storage.foldername(name))[1] = (select auth.uid())::text);
  create policy "avatarkit users add own samples" on storage.objects for insert to authenticated
    with check (bucket_id in ('voice-samples', 'video-samples')
                and (storage.foldername(name))[1] = (select auth.uid())::text);
  create policy "avatarkit users remove own samples" on storage.objects for delete to authenticated
    using (bucket_id in ('voice-samples', 'video-samples')
           and (storage.foldername(name))[1] = (select auth.uid())::text);
  create policy "avatarkit users read own results" on storage.objects for select to authenticated
    using (bucket_id = 'avatar-results' and (storage.foldername(name))[1] = 'results'
           and (storage.foldername(name))[2] in (
             select t.id::text from public.avatar_training t where t.user_id = (select auth.uid())
             union all
             select v.id::text from public.avatar_videos v where v.user_id = (select auth.uid())));
end $$;

-- 7. The version, last: it exists only if all of the above does -------------------------------------

-- Stable, not immutable: a constant in a cached plan would be told without asking for the right.
create or replace function public.avatarkit_schema_version() returns integer
language sql stable set search_path = '' as $$ select 1 $$;
do $$
begin
  if to_regclass('auth.users') is not null and to_regprocedure('auth.uid()') is not null then
    revoke all on function public.avatarkit_schema_version() from public, anon, authenticated;
    grant execute on function public.avatarkit_schema_version() to service_role;
  end if;
end $$;

notify pgrst, 'reload schema';
