"""More that every channel is held to: its own posts, followers, quotes, videos, taking likes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.base import Absent, Card, Channel, Image, RemoteRef, Sent, Video
from domain.action import ActionKind
from domain.errors import InvalidInput
from tests.live.channel_contract import ChannelContract, World, eventually, picture

MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00" * 256


class WholeContract(ChannelContract):
    """The contract with what a brand does besides posting and answering."""

    def test_own_posts_are_read_page_by_page_with_figures(
        self, world: World, channel: Channel
    ) -> None:
        first = self.send(channel, "Yang lama")
        second = self.send(
            channel, "Sambungannya", reply_to=RemoteRef(first.remote_id, first.extra)
        )
        del world

        def read() -> dict[str, str]:
            found, cursor = {}, None
            for _ in range(5):
                page = channel.own_posts(cursor)
                for post in page.posts:
                    assert post.remote_id not in found
                    found[post.remote_id] = f"{post.kind}: {post.text}"
                    names = {metric.name for metric in post.metrics}
                    assert names == set(channel.capabilities().post_metrics)
                cursor = page.cursor
                if cursor is None or not page.posts:
                    break
            return found

        wanted = {first.remote_id: "post: Yang lama", second.remote_id: "reply: Sambungannya"}
        found = eventually(read, lambda seen: wanted.items() <= seen.items())
        assert wanted.items() <= found.items()

    def test_nobody_follows_a_new_account(self, channel: Channel) -> None:
        page = channel.followers(None)
        assert (page.people, page.cursor) == ((), None)

    def test_a_like_is_taken_back_and_reconciled(self, world: World, channel: Channel) -> None:
        post = self.send(channel, "Terima kasih semua")
        asked = world.answer("Sama-sama", RemoteRef(post.remote_id, post.extra))
        eventually(lambda: world.replies(post.remote_id), bool)
        like = self.request(channel, "", kind=ActionKind.LIKE, reply_to=RemoteRef(asked))
        unlike = self.request(channel, "", kind=ActionKind.UNLIKE, reply_to=RemoteRef(asked))
        channel.prepare(unlike)
        assert isinstance(channel.reconcile(unlike), Sent)  # there is no like
        assert isinstance(channel.publish(like), Sent)
        assert isinstance(channel.reconcile(unlike), Absent)
        for attempt in (1, 2):  # the second finds nothing to take back
            assert isinstance(channel.publish(replace(unlike, attempt=attempt)), Sent)
        assert isinstance(channel.reconcile(unlike), Sent)
        assert isinstance(channel.reconcile(like), Absent)
        assert eventually(lambda: world.likers(asked), lambda seen: not seen) == []

    def test_pictures_and_a_video_do_not_go_together(self, channel: Channel) -> None:
        image = Image(picture(), "image/png", "cangkir")
        video = Video(MP4, "video/mp4", "kopi dituang")
        with pytest.raises(InvalidInput, match="pictures"):
            channel.prepare(self.request(channel, "Dua-duanya", images=(image,), video=video))

    def test_a_card_needs_its_link_in_the_text_where_the_platform_makes_it(
        self, channel: Channel
    ) -> None:
        request = self.request(channel, "Baca", card=Card("https://example.com/a", "Judul"))
        if channel.capabilities().link_cards:
            channel.prepare(request)
        else:
            with pytest.raises(InvalidInput, match="into the text"):
                channel.prepare(request)
