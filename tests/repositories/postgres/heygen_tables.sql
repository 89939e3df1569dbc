-- Test only: what an application has that kept its trainings itself, before avatarkit.

create table public.user_clones (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  name text not null default 'twin',
  training_status text,
  avatar_ready boolean
);
alter table public.user_clones enable row level security;
create policy "application reads clones" on public.user_clones
  for select to authenticated using (user_id = auth.uid());
create policy "application adds clones" on public.user_clones
  for insert to authenticated with check (user_id = auth.uid());
grant select, insert on public.user_clones to authenticated;

create table public.voice_samples (
  id uuid primary key default gen_random_uuid(),
  clone_id uuid not null references public.user_clones (id) on delete cascade,
  file_path text not null,
  note text
);

create table public.avatar_training (
  id uuid primary key default extensions.uuid_generate_v4(),
  user_id uuid references auth.users (id) on delete cascade,
  clone_id uuid references public.user_clones (id) on delete cascade,
  heygen_avatar_id text,
  heygen_voice_id text,
  status text default 'pending',
  progress integer default 0,
  avatar_video_url text,
  avatar_thumbnail_url text,
  sample_video_url text,
  training_started_at timestamptz,
  training_completed_at timestamptz,
  error_message text,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
create table public.avatar_webhooks (
  id uuid primary key default extensions.uuid_generate_v4(),
  avatar_training_id uuid references public.avatar_training (id),
  event_type text,
  payload jsonb,
  received_at timestamptz default now()
);
alter table public.avatar_training enable row level security;
alter table public.avatar_webhooks enable row level security;
create policy "Users view own avatars" on public.avatar_training
  for select to authenticated using (user_id = auth.uid());
create policy "Users view own webhook logs" on public.avatar_webhooks
  for select to authenticated using (
    avatar_training_id in (select t.id from public.avatar_training t where t.user_id = auth.uid()));
