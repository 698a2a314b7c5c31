"""first tables

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Invariants that the database keeps by itself, whatever SQL the application's role sends.
GROW_ONLY = ("action_versions", "approvals", "decisions", "audit_log")


def _guards() -> None:
    op.execute(
        """
        create function refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception 'rows of % only grow; % is refused', tg_table_name, tg_op
                using errcode = 'integrity_constraint_violation';
        end $$
        """
    )
    for table in GROW_ONLY:
        op.execute(
            f"create trigger {table}_only_grows before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
        op.execute(
            f"create trigger {table}_no_truncate before truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute(
        """
        create function attempt_is_current() returns trigger language plpgsql as $$
        declare
            found actions%rowtype;
        begin
            select * into found from actions
             where workspace_id = new.workspace_id and id = new.action_id;
            if found.version <> new.version or found.state <> 'publishing' then
                raise exception 'action % is % at version %; no attempt at version % is possible',
                    new.action_id, found.state, found.version, new.version
                    using errcode = 'integrity_constraint_violation';
            end if;
            return new;
        end $$
        """
    )
    op.execute(
        "create trigger attempts_are_current before insert on attempts "
        "for each row execute function attempt_is_current()"
    )


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_object",
        "audit_log",
        ["workspace_id", "object_kind", "object_id"],
        unique=False,
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "system_flags",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_system_flags")),
    )
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("name", name=op.f("uq_workspaces_name")),
    )
    op.create_table(
        "brands",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_brands_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brands")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_brands_workspace_id_id")),
        sa.UniqueConstraint("workspace_id", "slug", name=op.f("uq_brands_workspace_id_slug")),
    )
    op.create_index(op.f("ix_brands_workspace_id"), "brands", ["workspace_id"], unique=False)
    op.create_table(
        "persons",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_persons_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_persons_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id",
            "platform",
            "remote_id",
            name=op.f("uq_persons_workspace_id_platform_remote_id"),
        ),
    )
    op.create_index(op.f("ix_persons_workspace_id"), "persons", ["workspace_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "role in ('owner', 'reviewer', 'platform_admin', 'viewer')", name=op.f("ck_users_role")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_users_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_users_workspace_id_id")),
    )
    op.create_index(op.f("ix_users_workspace_id"), "users", ["workspace_id"], unique=False)
    op.create_index(
        "uq_users_email_lower", "users", [sa.literal_column("lower(email)")], unique=True
    )
    op.create_table(
        "channel_accounts",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_session", sa.LargeBinary(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("poll_error", sa.Text(), nullable=True),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_channel_accounts_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_channel_accounts_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_accounts")),
        sa.UniqueConstraint(
            "workspace_id",
            "brand_id",
            "platform",
            "base_url",
            "handle",
            name=op.f("uq_channel_accounts_workspace_id_brand_id_platform_base_url_handle"),
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_channel_accounts_workspace_id_id")),
    )
    op.create_index(
        op.f("ix_channel_accounts_brand_id"), "channel_accounts", ["brand_id"], unique=False
    )
    op.create_index(
        op.f("ix_channel_accounts_poll_at"), "channel_accounts", ["poll_at"], unique=False
    )
    op.create_index(
        op.f("ix_channel_accounts_workspace_id"), "channel_accounts", ["workspace_id"], unique=False
    )
    op.create_table(
        "cycles",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("thread_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_cycles_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_cycles_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycles")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_cycles_workspace_id_id")),
    )
    op.create_index(op.f("ix_cycles_brand_id"), "cycles", ["brand_id"], unique=False)
    op.create_index(op.f("ix_cycles_workspace_id"), "cycles", ["workspace_id"], unique=False)
    op.create_table(
        "llm_budgets",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_llm_budgets_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_llm_budgets_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_llm_budgets")),
        sa.UniqueConstraint(
            "workspace_id", "brand_id", "day", name=op.f("uq_llm_budgets_workspace_id_brand_id_day")
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_llm_budgets_workspace_id_id")),
    )
    op.create_index(
        op.f("ix_llm_budgets_workspace_id"), "llm_budgets", ["workspace_id"], unique=False
    )
    op.create_table(
        "llm_calls",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("thread_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prompt_hash", sa.Text(), nullable=False),
        sa.Column("schema_hash", sa.Text(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column("cost_microusd", sa.BigInteger(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_llm_calls_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_llm_calls_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_llm_calls")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_llm_calls_workspace_id_id")),
    )
    op.create_index(
        "ix_llm_calls_day", "llm_calls", ["workspace_id", "brand_id", "created_at"], unique=False
    )
    op.create_index(op.f("ix_llm_calls_workspace_id"), "llm_calls", ["workspace_id"], unique=False)
    op.create_table(
        "login_sessions",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("csrf_token", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["users.workspace_id", "users.id"],
            name=op.f("fk_login_sessions_workspace_id_user_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_login_sessions_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_sessions_token_hash")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_login_sessions_workspace_id_id")),
    )
    op.create_index(op.f("ix_login_sessions_user_id"), "login_sessions", ["user_id"], unique=False)
    op.create_index(
        op.f("ix_login_sessions_workspace_id"), "login_sessions", ["workspace_id"], unique=False
    )
    op.create_table(
        "media",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_media_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_media_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint(
            "workspace_id", "brand_id", "sha256", name=op.f("uq_media_workspace_id_brand_id_sha256")
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_media_workspace_id_id")),
    )
    op.create_index(op.f("ix_media_brand_id"), "media", ["brand_id"], unique=False)
    op.create_index(op.f("ix_media_workspace_id"), "media", ["workspace_id"], unique=False)
    op.create_table(
        "source_documents",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_source_documents_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_source_documents_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_documents")),
        sa.UniqueConstraint(
            "workspace_id",
            "brand_id",
            "url",
            "sha256",
            name=op.f("uq_source_documents_workspace_id_brand_id_url_sha256"),
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_source_documents_workspace_id_id")),
    )
    op.create_index(
        op.f("ix_source_documents_brand_id"), "source_documents", ["brand_id"], unique=False
    )
    op.create_index(
        op.f("ix_source_documents_workspace_id"), "source_documents", ["workspace_id"], unique=False
    )
    op.create_table(
        "threads",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("parent_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("graph", sa.Text(), nullable=False),
        sa.Column("graph_version", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("checkpoint_id", sa.Text(), nullable=False),
        sa.Column("waits_for", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('ready', 'waiting', 'failed', 'finished')", name=op.f("ck_threads_status")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_threads_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "parent_id"],
            ["threads.workspace_id", "threads.id"],
            name=op.f("fk_threads_workspace_id_parent_id_threads"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_threads_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_threads_workspace_id_id")),
    )
    op.create_index(op.f("ix_threads_brand_id"), "threads", ["brand_id"], unique=False)
    op.create_index(
        "ix_threads_due",
        "threads",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting' and due_at is not null"),
    )
    op.create_index(
        "ix_threads_ready",
        "threads",
        ["ready_at"],
        unique=False,
        postgresql_where=sa.text("status = 'ready'"),
    )
    op.create_index(op.f("ix_threads_subject_id"), "threads", ["subject_id"], unique=False)
    op.create_index(op.f("ix_threads_workspace_id"), "threads", ["workspace_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("thread_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "thread_id"],
            ["threads.workspace_id", "threads.id"],
            name=op.f("fk_events_workspace_id_thread_id_threads"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_events_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_events_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id", "thread_id", "key", name=op.f("uq_events_workspace_id_thread_id_key")
        ),
    )
    op.create_index(
        "ix_events_open",
        "events",
        ["thread_id"],
        unique=False,
        postgresql_where=sa.text("consumed_at is null"),
    )
    op.create_index(op.f("ix_events_workspace_id"), "events", ["workspace_id"], unique=False)
    op.create_table(
        "interactions",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("account_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("person_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("thread_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("target_remote_id", sa.Text(), nullable=True),
        sa.Column("root_remote_id", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("sentiment", sa.Text(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("triage_reason", sa.Text(), nullable=False),
        sa.Column("triaged_by", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "account_id"],
            ["channel_accounts.workspace_id", "channel_accounts.id"],
            name=op.f("fk_interactions_workspace_id_account_id_channel_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_interactions_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "person_id"],
            ["persons.workspace_id", "persons.id"],
            name=op.f("fk_interactions_workspace_id_person_id_persons"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_interactions_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
        sa.UniqueConstraint(
            "workspace_id",
            "account_id",
            "remote_id",
            name=op.f("uq_interactions_workspace_id_account_id_remote_id"),
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_interactions_workspace_id_id")),
    )
    op.create_index(op.f("ix_interactions_person_id"), "interactions", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_interactions_target_remote_id"), "interactions", ["target_remote_id"], unique=False
    )
    op.create_index(
        "ix_interactions_window",
        "interactions",
        ["workspace_id", "brand_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_interactions_workspace_id"), "interactions", ["workspace_id"], unique=False
    )
    op.create_table(
        "papers",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("cycle_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("author_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("decided_by", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind in ('dossier', 'plan', 'evaluation')", name=op.f("ck_papers_kind")
        ),
        sa.CheckConstraint(
            "state in ('drafted', 'in_review', 'changes_requested', 'approved', 'superseded')",
            name=op.f("ck_papers_state"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "author_id"],
            ["users.workspace_id", "users.id"],
            name=op.f("fk_papers_workspace_id_author_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_papers_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "cycle_id"],
            ["cycles.workspace_id", "cycles.id"],
            name=op.f("fk_papers_workspace_id_cycle_id_cycles"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "decided_by"],
            ["users.workspace_id", "users.id"],
            name=op.f("fk_papers_workspace_id_decided_by_users"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_papers_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_papers")),
        sa.UniqueConstraint(
            "workspace_id",
            "cycle_id",
            "kind",
            "number",
            name=op.f("uq_papers_workspace_id_cycle_id_kind_number"),
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_papers_workspace_id_id")),
    )
    op.create_index(op.f("ix_papers_brand_id"), "papers", ["brand_id"], unique=False)
    op.create_index(op.f("ix_papers_cycle_id"), "papers", ["cycle_id"], unique=False)
    op.create_index(op.f("ix_papers_workspace_id"), "papers", ["workspace_id"], unique=False)
    op.create_table(
        "source_sentences",
        sa.Column("document_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "document_id"],
            ["source_documents.workspace_id", "source_documents.id"],
            name=op.f("fk_source_sentences_workspace_id_document_id_source_documents"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_source_sentences_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_sentences")),
        sa.UniqueConstraint(
            "workspace_id",
            "document_id",
            "ordinal",
            name=op.f("uq_source_sentences_workspace_id_document_id_ordinal"),
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_source_sentences_workspace_id_id")),
    )
    op.create_index(
        op.f("ix_source_sentences_document_id"), "source_sentences", ["document_id"], unique=False
    )
    op.create_index(
        op.f("ix_source_sentences_workspace_id"), "source_sentences", ["workspace_id"], unique=False
    )
    op.create_table(
        "actions",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("account_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("cycle_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("interaction_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("plan_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("plan_ordinal", sa.Integer(), nullable=True),
        sa.Column("thread_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("author_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("brief", sa.Text(), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slot_wall", sa.Text(), nullable=True),
        sa.Column("slot_zone", sa.Text(), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("remote_url", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state in ('drafted', 'in_review', 'changes_requested', 'approved', 'scheduled', 'on_hold', 'publishing', 'published', 'unconfirmed', 'failed', 'rejected', 'expired')",
            name=op.f("ck_actions_state"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "account_id"],
            ["channel_accounts.workspace_id", "channel_accounts.id"],
            name=op.f("fk_actions_workspace_id_account_id_channel_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "author_id"],
            ["users.workspace_id", "users.id"],
            name=op.f("fk_actions_workspace_id_author_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_actions_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "cycle_id"],
            ["cycles.workspace_id", "cycles.id"],
            name=op.f("fk_actions_workspace_id_cycle_id_cycles"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "interaction_id"],
            ["interactions.workspace_id", "interactions.id"],
            name=op.f("fk_actions_workspace_id_interaction_id_interactions"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_actions_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_actions_workspace_id_id")),
    )
    op.create_index(op.f("ix_actions_account_id"), "actions", ["account_id"], unique=False)
    op.create_index(op.f("ix_actions_brand_id"), "actions", ["brand_id"], unique=False)
    op.create_index(op.f("ix_actions_cycle_id"), "actions", ["cycle_id"], unique=False)
    op.create_index(
        "ix_actions_queue", "actions", ["workspace_id", "state", "slot_at"], unique=False
    )
    op.create_index(op.f("ix_actions_remote_id"), "actions", ["remote_id"], unique=False)
    op.create_index(op.f("ix_actions_thread_id"), "actions", ["thread_id"], unique=False)
    op.create_index(op.f("ix_actions_workspace_id"), "actions", ["workspace_id"], unique=False)
    op.create_index(
        "uq_actions_one_reply",
        "actions",
        ["interaction_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'reply' and state <> 'rejected'"),
    )
    op.create_index(
        "uq_actions_plan_item",
        "actions",
        ["plan_id", "plan_ordinal", "account_id"],
        unique=True,
        postgresql_where=sa.text("plan_id is not null"),
    )
    op.create_table(
        "action_versions",
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("action_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("no_claim", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("llm_call_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "action_id"],
            ["actions.workspace_id", "actions.id"],
            name=op.f("fk_action_versions_workspace_id_action_id_actions"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "author_id"],
            ["users.workspace_id", "users.id"],
            name=op.f("fk_action_versions_workspace_id_author_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "llm_call_id"],
            ["llm_calls.workspace_id", "llm_calls.id"],
            name=op.f("fk_action_versions_workspace_id_llm_call_id_llm_calls"),
        ),
        sa.PrimaryKeyConstraint("action_id", "version", name=op.f("pk_action_versions")),
        sa.UniqueConstraint(
            "workspace_id",
            "action_id",
            "version",
            "digest",
            name=op.f("uq_action_versions_workspace_id_action_id_version_digest"),
        ),
    )
    op.create_table(
        "metric_snapshots",
        sa.Column("account_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("action_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "account_id"],
            ["channel_accounts.workspace_id", "channel_accounts.id"],
            name=op.f("fk_metric_snapshots_workspace_id_account_id_channel_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "action_id"],
            ["actions.workspace_id", "actions.id"],
            name=op.f("fk_metric_snapshots_workspace_id_action_id_actions"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_metric_snapshots_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_snapshots")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_metric_snapshots_workspace_id_id")),
    )
    op.create_index(
        op.f("ix_metric_snapshots_action_id"), "metric_snapshots", ["action_id"], unique=False
    )
    op.create_index(
        "ix_metric_snapshots_latest",
        "metric_snapshots",
        ["account_id", "action_id", "name", "taken_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_metric_snapshots_workspace_id"), "metric_snapshots", ["workspace_id"], unique=False
    )
    op.create_table(
        "decisions",
        sa.Column("action_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "action_versions.workspace_id",
                "action_versions.action_id",
                "action_versions.version",
                "action_versions.digest",
            ],
            name=op.f("fk_decisions_workspace_id_action_id_version_digest_action_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["users.workspace_id", "users.id"],
            name=op.f("fk_decisions_workspace_id_user_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_decisions_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_decisions_workspace_id_id")),
    )
    op.create_index(op.f("ix_decisions_action_id"), "decisions", ["action_id"], unique=False)
    op.create_index(op.f("ix_decisions_workspace_id"), "decisions", ["workspace_id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("action_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "action_versions.workspace_id",
                "action_versions.action_id",
                "action_versions.version",
                "action_versions.digest",
            ],
            name=op.f("fk_approvals_workspace_id_action_id_version_digest_action_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "decision_id"],
            ["decisions.workspace_id", "decisions.id"],
            name=op.f("fk_approvals_workspace_id_decision_id_decisions"),
        ),
        sa.PrimaryKeyConstraint("action_id", "version", name=op.f("pk_approvals")),
        sa.UniqueConstraint(
            "workspace_id",
            "action_id",
            "version",
            "digest",
            name=op.f("uq_approvals_workspace_id_action_id_version_digest"),
        ),
    )
    op.create_table(
        "segments",
        sa.Column("action_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("client_key", sa.Text(), nullable=False),
        sa.Column("client_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("remote_url", sa.Text(), nullable=True),
        sa.Column("remote_extra", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('pending', 'sent')", name=op.f("ck_segments_state")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "approvals.workspace_id",
                "approvals.action_id",
                "approvals.version",
                "approvals.digest",
            ],
            name=op.f("fk_segments_workspace_id_action_id_version_digest_approvals"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_segments_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sa.UniqueConstraint(
            "workspace_id",
            "action_id",
            "version",
            "ordinal",
            name=op.f("uq_segments_workspace_id_action_id_version_ordinal"),
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_segments_workspace_id_id")),
    )
    op.create_index(op.f("ix_segments_action_id"), "segments", ["action_id"], unique=False)
    op.create_index(op.f("ix_segments_remote_id"), "segments", ["remote_id"], unique=False)
    op.create_index(op.f("ix_segments_workspace_id"), "segments", ["workspace_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("action_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("segment_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "action_id", "version", "digest"],
            [
                "approvals.workspace_id",
                "approvals.action_id",
                "approvals.version",
                "approvals.digest",
            ],
            name=op.f("fk_attempts_workspace_id_action_id_version_digest_approvals"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "segment_id"],
            ["segments.workspace_id", "segments.id"],
            name=op.f("fk_attempts_workspace_id_segment_id_segments"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_attempts_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_attempts_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id",
            "segment_id",
            "number",
            name=op.f("uq_attempts_workspace_id_segment_id_number"),
        ),
    )
    op.create_index(op.f("ix_attempts_action_id"), "attempts", ["action_id"], unique=False)
    op.create_index(
        "ix_attempts_open",
        "attempts",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("outcome is null"),
    )
    op.create_index(op.f("ix_attempts_workspace_id"), "attempts", ["workspace_id"], unique=False)
    _guards()


def downgrade() -> None:
    op.drop_index(op.f("ix_attempts_workspace_id"), table_name="attempts")
    op.drop_index(
        "ix_attempts_open", table_name="attempts", postgresql_where=sa.text("outcome is null")
    )
    op.drop_index(op.f("ix_attempts_action_id"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_index(op.f("ix_segments_workspace_id"), table_name="segments")
    op.drop_index(op.f("ix_segments_remote_id"), table_name="segments")
    op.drop_index(op.f("ix_segments_action_id"), table_name="segments")
    op.drop_table("segments")
    op.drop_table("approvals")
    op.drop_index(op.f("ix_decisions_workspace_id"), table_name="decisions")
    op.drop_index(op.f("ix_decisions_action_id"), table_name="decisions")
    op.drop_table("decisions")
    op.drop_index(op.f("ix_metric_snapshots_workspace_id"), table_name="metric_snapshots")
    op.drop_index("ix_metric_snapshots_latest", table_name="metric_snapshots")
    op.drop_index(op.f("ix_metric_snapshots_action_id"), table_name="metric_snapshots")
    op.drop_table("metric_snapshots")
    op.drop_table("action_versions")
    op.drop_index(
        "uq_actions_plan_item",
        table_name="actions",
        postgresql_where=sa.text("plan_id is not null"),
    )
    op.drop_index(
        "uq_actions_one_reply",
        table_name="actions",
        postgresql_where=sa.text("kind = 'reply' and state <> 'rejected'"),
    )
    op.drop_index(op.f("ix_actions_workspace_id"), table_name="actions")
    op.drop_index(op.f("ix_actions_thread_id"), table_name="actions")
    op.drop_index(op.f("ix_actions_remote_id"), table_name="actions")
    op.drop_index("ix_actions_queue", table_name="actions")
    op.drop_index(op.f("ix_actions_cycle_id"), table_name="actions")
    op.drop_index(op.f("ix_actions_brand_id"), table_name="actions")
    op.drop_index(op.f("ix_actions_account_id"), table_name="actions")
    op.drop_table("actions")
    op.drop_index(op.f("ix_source_sentences_workspace_id"), table_name="source_sentences")
    op.drop_index(op.f("ix_source_sentences_document_id"), table_name="source_sentences")
    op.drop_table("source_sentences")
    op.drop_index(op.f("ix_papers_workspace_id"), table_name="papers")
    op.drop_index(op.f("ix_papers_cycle_id"), table_name="papers")
    op.drop_index(op.f("ix_papers_brand_id"), table_name="papers")
    op.drop_table("papers")
    op.drop_index(op.f("ix_interactions_workspace_id"), table_name="interactions")
    op.drop_index("ix_interactions_window", table_name="interactions")
    op.drop_index(op.f("ix_interactions_target_remote_id"), table_name="interactions")
    op.drop_index(op.f("ix_interactions_person_id"), table_name="interactions")
    op.drop_table("interactions")
    op.drop_index(op.f("ix_events_workspace_id"), table_name="events")
    op.drop_index(
        "ix_events_open", table_name="events", postgresql_where=sa.text("consumed_at is null")
    )
    op.drop_table("events")
    op.drop_index(op.f("ix_threads_workspace_id"), table_name="threads")
    op.drop_index(op.f("ix_threads_subject_id"), table_name="threads")
    op.drop_index(
        "ix_threads_ready", table_name="threads", postgresql_where=sa.text("status = 'ready'")
    )
    op.drop_index(
        "ix_threads_due",
        table_name="threads",
        postgresql_where=sa.text("status = 'waiting' and due_at is not null"),
    )
    op.drop_index(op.f("ix_threads_brand_id"), table_name="threads")
    op.drop_table("threads")
    op.drop_index(op.f("ix_source_documents_workspace_id"), table_name="source_documents")
    op.drop_index(op.f("ix_source_documents_brand_id"), table_name="source_documents")
    op.drop_table("source_documents")
    op.drop_index(op.f("ix_media_workspace_id"), table_name="media")
    op.drop_index(op.f("ix_media_brand_id"), table_name="media")
    op.drop_table("media")
    op.drop_index(op.f("ix_login_sessions_workspace_id"), table_name="login_sessions")
    op.drop_index(op.f("ix_login_sessions_user_id"), table_name="login_sessions")
    op.drop_table("login_sessions")
    op.drop_index(op.f("ix_llm_calls_workspace_id"), table_name="llm_calls")
    op.drop_index("ix_llm_calls_day", table_name="llm_calls")
    op.drop_table("llm_calls")
    op.drop_index(op.f("ix_llm_budgets_workspace_id"), table_name="llm_budgets")
    op.drop_table("llm_budgets")
    op.drop_index(op.f("ix_cycles_workspace_id"), table_name="cycles")
    op.drop_index(op.f("ix_cycles_brand_id"), table_name="cycles")
    op.drop_table("cycles")
    op.drop_index(op.f("ix_channel_accounts_workspace_id"), table_name="channel_accounts")
    op.drop_index(op.f("ix_channel_accounts_poll_at"), table_name="channel_accounts")
    op.drop_index(op.f("ix_channel_accounts_brand_id"), table_name="channel_accounts")
    op.drop_table("channel_accounts")
    op.drop_index("uq_users_email_lower", table_name="users")
    op.drop_index(op.f("ix_users_workspace_id"), table_name="users")
    op.drop_table("users")
    op.drop_index(op.f("ix_persons_workspace_id"), table_name="persons")
    op.drop_table("persons")
    op.drop_index(op.f("ix_brands_workspace_id"), table_name="brands")
    op.drop_table("brands")
    op.drop_table("workspaces")
    op.drop_table("system_flags")
    op.drop_table("heartbeats")
    op.drop_index("ix_audit_log_object", table_name="audit_log")
    op.drop_table("audit_log")
    op.execute("drop function attempt_is_current()")
    op.execute("drop function refuse_change()")
