"""delivery: budgets and credentials of accounts, posts made elsewhere, posts that come again

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_posts",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("account_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
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
            name=op.f("fk_outside_posts_workspace_id_account_id_channel_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_outside_posts_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_outside_posts_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_posts")),
        sa.UniqueConstraint(
            "workspace_id",
            "account_id",
            "remote_id",
            name=op.f("uq_outside_posts_workspace_id_account_id_remote_id"),
        ),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_outside_posts_workspace_id_id")),
    )
    op.create_index(
        op.f("ix_outside_posts_remote_id"), "outside_posts", ["remote_id"], unique=False
    )
    op.create_index(
        "ix_outside_posts_time",
        "outside_posts",
        ["workspace_id", "brand_id", "posted_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_outside_posts_workspace_id"), "outside_posts", ["workspace_id"], unique=False
    )
    op.create_table(
        "recurrences",
        sa.Column("brand_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("account_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("created_by", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_wall", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("propose_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('recurring', 'evergreen')", name=op.f("ck_recurrences_kind")),
        sa.CheckConstraint("every_days >= 1", name=op.f("ck_recurrences_every_days")),
        sa.CheckConstraint(
            "state in ('active', 'paused', 'ended')", name=op.f("ck_recurrences_state")
        ),
        sa.CheckConstraint(
            "(state = 'active') = (propose_at is not null)", name=op.f("ck_recurrences_propose_at")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "account_id"],
            ["channel_accounts.workspace_id", "channel_accounts.id"],
            name=op.f("fk_recurrences_workspace_id_account_id_channel_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "brand_id"],
            ["brands.workspace_id", "brands.id"],
            name=op.f("fk_recurrences_workspace_id_brand_id_brands"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "created_by"],
            ["users.workspace_id", "users.id"],
            name=op.f("fk_recurrences_workspace_id_created_by_users"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_recurrences_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recurrences")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_recurrences_workspace_id_id")),
    )
    op.create_index(op.f("ix_recurrences_brand_id"), "recurrences", ["brand_id"], unique=False)
    op.create_index(op.f("ix_recurrences_propose_at"), "recurrences", ["propose_at"], unique=False)
    op.create_index(op.f("ix_recurrences_source_id"), "recurrences", ["source_id"], unique=False)
    op.create_index(
        op.f("ix_recurrences_workspace_id"), "recurrences", ["workspace_id"], unique=False
    )
    op.add_column("actions", sa.Column("revises_id", sa.Uuid(as_uuid=False), nullable=True))
    op.add_column("actions", sa.Column("recurrence_id", sa.Uuid(as_uuid=False), nullable=True))
    op.add_column("actions", sa.Column("occurrence", sa.Integer(), nullable=True))
    op.add_column("actions", sa.Column("looks", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_action_versions_digest", "action_versions", ["workspace_id", "digest"], unique=False
    )
    op.create_index(
        "uq_actions_occurrence",
        "actions",
        ["recurrence_id", "occurrence"],
        unique=True,
        postgresql_where=sa.text("recurrence_id is not null"),
    )
    op.create_foreign_key(
        op.f("fk_actions_workspace_id_revises_id_actions"),
        "actions",
        "actions",
        ["workspace_id", "revises_id"],
        ["workspace_id", "id"],
    )
    op.create_foreign_key(
        op.f("fk_actions_workspace_id_recurrence_id_recurrences"),
        "actions",
        "recurrences",
        ["workspace_id", "recurrence_id"],
        ["workspace_id", "id"],
    )
    op.add_column(
        "channel_accounts", sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "channel_accounts", sa.Column("waits_for", sa.Text(), server_default="", nullable=False)
    )
    op.add_column(
        "channel_accounts",
        sa.Column("credentials_expire_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.add_column(
        "channel_accounts",
        sa.Column("credentials_problem", sa.Text(), server_default="", nullable=False),
    )
    op.add_column(
        "channel_accounts",
        sa.Column("credentials_warned_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.add_column(
        "channel_accounts", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("channel_accounts", sa.Column("import_cursor", sa.Text(), nullable=True))
    op.add_column(
        "channel_accounts", sa.Column("import_done_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "channel_accounts", sa.Column("outside_read_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "metric_snapshots", sa.Column("outside_id", sa.Uuid(as_uuid=False), nullable=True)
    )
    op.create_index(
        op.f("ix_metric_snapshots_outside_id"), "metric_snapshots", ["outside_id"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_metric_snapshots_workspace_id_outside_id_outside_posts"),
        "metric_snapshots",
        "outside_posts",
        ["workspace_id", "outside_id"],
        ["workspace_id", "id"],
    )

    # What the clock asks for follows what is due in each queue, not what waits.
    op.drop_index("ix_threads_ready", table_name="threads")
    op.drop_index("ix_threads_due", table_name="threads")
    op.create_index(
        "ix_threads_ready",
        "threads",
        ["queue", "ready_at"],
        unique=False,
        postgresql_where=sa.text("status = 'ready'"),
    )
    op.create_index(
        "ix_threads_due",
        "threads",
        ["queue", "due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting' and due_at is not null"),
    )
    op.create_index(
        "ix_threads_failed",
        "threads",
        ["workspace_id", "brand_id"],
        unique=False,
        postgresql_where=sa.text("status = 'failed'"),
    )
    # What people open with a hundred thousand items.
    op.create_index("ix_actions_time", "actions", ["workspace_id", "slot_at", "id"], unique=False)
    op.create_index(
        "ix_actions_states", "actions", ["workspace_id", "brand_id", "state"], unique=False
    )
    op.create_index(
        "ix_actions_published",
        "actions",
        ["workspace_id", "account_id", "published_at"],
        unique=False,
        postgresql_where=sa.text("state = 'published'"),
    )


def downgrade() -> None:
    op.drop_index("ix_actions_published", table_name="actions")
    op.drop_index("ix_actions_states", table_name="actions")
    op.drop_index("ix_actions_time", table_name="actions")
    op.drop_index("ix_threads_failed", table_name="threads")
    op.drop_index("ix_threads_due", table_name="threads")
    op.drop_index("ix_threads_ready", table_name="threads")
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
    op.drop_index("ix_action_versions_digest", table_name="action_versions")
    op.drop_constraint(
        op.f("fk_metric_snapshots_workspace_id_outside_id_outside_posts"),
        "metric_snapshots",
        type_="foreignkey",
    )
    op.drop_index(op.f("ix_metric_snapshots_outside_id"), table_name="metric_snapshots")
    op.drop_column("metric_snapshots", "outside_id")
    op.drop_column("channel_accounts", "outside_read_at")
    op.drop_column("channel_accounts", "import_done_at")
    op.drop_column("channel_accounts", "import_cursor")
    op.drop_column("channel_accounts", "checked_at")
    op.drop_column("channel_accounts", "credentials_warned_at")
    op.drop_column("channel_accounts", "credentials_problem")
    op.drop_column("channel_accounts", "credentials_expire_at")
    op.drop_column("channel_accounts", "waits_for")
    op.drop_column("channel_accounts", "waits_until")
    op.drop_constraint(
        op.f("fk_actions_workspace_id_recurrence_id_recurrences"), "actions", type_="foreignkey"
    )
    op.drop_constraint(
        op.f("fk_actions_workspace_id_revises_id_actions"), "actions", type_="foreignkey"
    )
    op.drop_index(
        "uq_actions_occurrence",
        table_name="actions",
        postgresql_where=sa.text("recurrence_id is not null"),
    )
    op.drop_column("actions", "looks")
    op.drop_column("actions", "occurrence")
    op.drop_column("actions", "recurrence_id")
    op.drop_column("actions", "revises_id")
    op.drop_index(op.f("ix_recurrences_workspace_id"), table_name="recurrences")
    op.drop_index(op.f("ix_recurrences_source_id"), table_name="recurrences")
    op.drop_index(op.f("ix_recurrences_propose_at"), table_name="recurrences")
    op.drop_index(op.f("ix_recurrences_brand_id"), table_name="recurrences")
    op.drop_table("recurrences")
    op.drop_index(op.f("ix_outside_posts_workspace_id"), table_name="outside_posts")
    op.drop_index("ix_outside_posts_time", table_name="outside_posts")
    op.drop_index(op.f("ix_outside_posts_remote_id"), table_name="outside_posts")
    op.drop_table("outside_posts")
