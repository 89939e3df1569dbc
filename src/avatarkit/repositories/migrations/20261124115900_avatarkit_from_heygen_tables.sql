-- avatarkit: upgrade an older pair of tables, avatar_training with heygen_voice_id and
-- heygen_avatar_id, and avatar_webhooks, for 20261124120000_avatarkit.sql. Without such tables this
-- file does nothing. Apply it in one transaction, before the other file.
--
-- * avatar_training_of_heygen gets a copy of every old row, for you only; drop that table when you
--   no longer need it. Your own columns in avatar_training stay.
-- * The ids at HeyGen move to voice_provider and provider_voice_id, avatar_provider and
--   provider_avatar_id; the document that avatarkit reads is built from the row.
-- * An unfinished training continues if HeyGen's id of the avatar is known: it is polled. If not, it
--   is unknown whether HeyGen has the avatar: the training fails with a message that says so, and
--   nothing is paid twice. A training that was never sent fails with a message as well.
-- * A completed training stays completed if that id is known; without it the avatar cannot speak,
--   and the training fails. Failed and cancelled trainings do not change.
-- * Links in avatar_video_url, avatar_thumbnail_url and sample_video_url are removed, as these columns
--   hold keys of the media store; avatar_training_of_heygen has the links.
-- * A row without user or clone has no owner and cannot stay in avatar_training.

select pg_advisory_xact_lock(7021805911320040781);

do $$
declare
  orphans bigint;
  fk text;
begin
  if not exists (select from pg_attribute where attrelid = to_regclass('public.avatar_training')
                 and attname = 'heygen_avatar_id' and not attisdropped) then
    return;
  end if;
  lock table public.avatar_training in access exclusive mode;

  -- The old rows.
  create table public.avatar_training_of_heygen as
    select t.id, t.user_id, to_jsonb(t) as original from public.avatar_training t;
  alter table public.avatar_training_of_heygen add primary key (id);
  alter table public.avatar_training_of_heygen enable row level security;
  revoke all on public.avatar_training_of_heygen from public;
  if to_regrole('anon') is not null then
    revoke all on public.avatar_training_of_heygen from anon, authenticated, service_role;
  end if;
  if to_regclass('auth.users') is not null then
    alter table public.avatar_training_of_heygen
      add foreign key (user_id) references auth.users (id) on delete cascade;
    create index on public.avatar_training_of_heygen (user_id);
  end if;

  -- The webhook log. Its payloads are for service_role only.
  if to_regclass('public.avatar_webhooks') is not null then
    alter table public.avatar_webhooks add column if not exists provider text;
    alter table public.avatar_webhooks add column if not exists event_id text;
    alter table public.avatar_webhooks add column if not exists outcome text;
    alter table public.avatar_webhooks add column if not exists body bytea;
    alter table public.avatar_webhooks add column if not exists doc text;
    update public.avatar_webhooks
       set provider = coalesce(provider, 'heygen'),
           event_id = coalesce(event_id, 'before-avatarkit-' || id),
           outcome = coalesce(outcome, 'received'),
           received_at = coalesce(received_at, now());
    alter table public.avatar_webhooks
      alter column provider set not null, alter column provider set default 'unknown',
      alter column event_id set not null,
      alter column event_id set default gen_random_uuid()::text,
      alter column outcome set not null, alter column outcome set default 'received',
      alter column received_at set not null, alter column received_at set default now();
    for fk in
      select conname from pg_constraint where contype = 'f'
         and conrelid = 'public.avatar_webhooks'::regclass
         and confrelid = 'public.avatar_training'::regclass
    loop
      execute format('alter table public.avatar_webhooks drop constraint %I', fk);
    end loop;
  end if;

  delete from public.avatar_training where user_id is null or clone_id is null;
  get diagnostics orphans = row_count;
  if orphans > 0 then
    raise warning '% row(s) of avatar_training without user or clone are kept in '
      'avatar_training_of_heygen only', orphans;
  end if;
  if to_regclass('public.avatar_webhooks') is not null then
    update public.avatar_webhooks w set avatar_training_id = null
     where not exists (select from public.avatar_training t where t.id = w.avatar_training_id);
    alter table public.avatar_webhooks add foreign key (avatar_training_id)
      references public.avatar_training (id) on delete set null;
    execute format(
      'alter table public.avatar_webhooks add column if not exists avatar_video_id %1$s, '
      'add column if not exists user_id %1$s',
      (select format_type(atttypid, null) from pg_attribute
        where attrelid = 'public.avatar_training'::regclass and attname = 'id'));
    update public.avatar_webhooks w set user_id = t.user_id
      from public.avatar_training t where t.id = w.avatar_training_id;
    if to_regclass('auth.users') is not null then
      alter table public.avatar_webhooks
        add foreign key (user_id) references auth.users (id) on delete cascade;
    end if;
  end if;

  -- The records.
  alter table public.avatar_training rename column heygen_avatar_id to provider_avatar_id;
  alter table public.avatar_training rename column heygen_voice_id to provider_voice_id;
  alter table public.avatar_training
    add column if not exists stack text not null default '',
    add column if not exists idempotency_key text,
    add column if not exists voice_provider text,
    add column if not exists avatar_provider text,
    add column if not exists error_type text,
    add column if not exists waits_for text,
    add column if not exists next_at timestamptz,
    add column if not exists deleted boolean not null default false,
    add column if not exists version bigint not null default 0,
    add column if not exists doc text;

  update public.avatar_training t set
      stack = 'heygen',
      waits_for = 'heygen',
      voice_provider = case when t.provider_voice_id is not null then 'heygen' end,
      avatar_provider = case when t.provider_avatar_id is not null then 'heygen' end,
      status = s.status,
      progress = case s.status when 'completed' then 100
                   else least(greatest(coalesce(t.progress, 0), 0), 100) end,
      error_message = case when s.status <> 'failed' then null
        when lower(t.status) = 'failed' then coalesce(t.error_message, 'Training failed')
        when lower(t.status) = 'completed' then 'It was completed before avatarkit was set up, and '
             'HeyGen''s id of the avatar is not known: adopt the avatar, or train it again'
        when coalesce(lower(t.status), 'pending') = 'pending' and t.training_started_at is null
             and t.provider_voice_id is null
          then 'It was never sent to HeyGen: start it again'
        else 'It was under way before avatarkit was set up, and HeyGen''s id of it is not known: '
             'look at HeyGen whether it is there, and start it again if not' end,
      avatar_video_url = case when t.avatar_video_url !~ '^https?:' then t.avatar_video_url end,
      avatar_thumbnail_url =
        case when t.avatar_thumbnail_url !~ '^https?:' then t.avatar_thumbnail_url end,
      sample_video_url = case when t.sample_video_url !~ '^https?:' then t.sample_video_url end,
      training_completed_at = case when s.status in ('completed', 'failed', 'cancelled')
        then coalesce(t.training_completed_at, t.updated_at, now()) end,
      created_at = coalesce(t.created_at, now()),
      updated_at = coalesce(t.updated_at, t.created_at, now()),
      next_at = case when s.status = 'training' then now() end
    from (select o.id, case
            when lower(o.status) in ('failed', 'cancelled') then lower(o.status)
            when o.provider_avatar_id is null then 'failed'
            when lower(o.status) = 'completed' then 'completed'
            else 'training' end as status
          from public.avatar_training o) s
   where s.id = t.id;

  update public.avatar_training t set doc = jsonb_build_object(
      'id', t.id, 'user_id', t.user_id, 'clone_id', t.clone_id, 'kind', 'training',
      'stack', t.stack, 'status', t.status, 'progress', t.progress,
      'error_message', t.error_message,
      'created_at', extract(epoch from t.created_at),
      'updated_at', extract(epoch from t.updated_at),
      'started_at', extract(epoch from t.training_started_at),
      'completed_at', extract(epoch from t.training_completed_at),
      'deadline_at', extract(epoch from coalesce(t.next_at, t.created_at)) + 172800,
      'next_at', extract(epoch from t.next_at),
      'operations', (
        select jsonb_agg(jsonb_build_object(
          'operation', o.operation, 'provider', 'heygen',
          'call', jsonb_build_object(
            'phase', case when o.job_id is not null then 'done'
                          when t.training_started_at is not null then 'lost' else 'none' end,
            'attempt', case when o.job_id is not null or t.training_started_at is not null
                            then 1 else 0 end),
          'job', jsonb_build_object(
            'id', o.job_id,
            'state', case when o.job_id is null then null
                          when t.status = 'completed' then 'succeeded'
                          when t.status = 'failed' then 'failed'
                          when t.status = 'cancelled' then 'unknown' else 'running' end,
            'stored', t.status = 'completed',
            'submitted_at', extract(epoch from t.training_started_at))) order by o.place)
        from (values (1, 'voice', t.provider_voice_id), (2, 'avatar', t.provider_avatar_id))
          as o (place, operation, job_id)
        where o.operation = 'avatar' or o.job_id is not null or t.training_started_at is not null)
    )::text;

  alter table public.avatar_training
    alter column user_id set not null, alter column clone_id set not null,
    alter column status set not null, alter column status set default 'pending',
    alter column progress set not null, alter column progress set default 0,
    alter column created_at set not null, alter column created_at set default now(),
    alter column updated_at set not null, alter column updated_at set default now(),
    alter column doc set not null;
end $$;
