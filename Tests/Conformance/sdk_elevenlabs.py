"""The elevenlabs SDK over HTTP (its realtime client takes no plain WebSocket)."""

from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError
from suite import KEY, case, raises

NAME = "elevenlabs-sdk"
TEXT = "Hello there, my friend."


def client(emulators, key=KEY):
    return AsyncElevenLabs(api_key=key, base_url=emulators.http("elevenlabs"))


async def speak(emulators, key=KEY, format="pcm_16000", retries=None):
    audio = b""
    async for piece in client(emulators, key).text_to_speech.stream(
        "voice", text=TEXT, output_format=format, model_id="eleven_flash_v2_5",
        request_options={"max_retries": 0},
    ):
        audio += piece
    return audio


@case(NAME, "normal: a stream of PCM, the whole, mu-law")
async def normal(emulators):
    audio = await speak(emulators)
    assert len(audio) > 16000
    whole = b""
    async for piece in client(emulators).text_to_speech.convert(
        "voice", text=TEXT, output_format="pcm_16000"
    ):
        whole += piece
    assert whole == audio
    assert 0.4 < len(await speak(emulators, format="ulaw_8000")) * 4 / len(audio) < 1.2


@case(NAME, "times of characters, whole and streamed")
async def times(emulators):
    made = await client(emulators).text_to_speech.convert_with_timestamps(
        "voice", text=TEXT, output_format="pcm_16000")
    assert "".join(made.alignment.characters).strip() == TEXT
    assert made.alignment.character_start_times_seconds == sorted(
        made.alignment.character_start_times_seconds)
    text = ""
    async for piece in client(emulators).text_to_speech.stream_with_timestamps(
        "voice", text=TEXT, output_format="pcm_16000"
    ):
        assert piece.audio_base_64
        if piece.alignment:
            text += "".join(piece.alignment.characters)
    assert text.strip() == TEXT


@case(NAME, "an MP3, the vendor's default")
async def mp3(emulators):
    audio = await speak(emulators, format="mp3_44100_128")
    assert audio[:3] == b"ID3" or audio[0] == 0xFF


@case(NAME, "400, 401, 422, 429 and 503 are ApiErrors with the vendor's detail")
async def errors(emulators):
    for key, status in (("fault-status-401", 401), ("fault-status-429", 429),
                        ("fault-status-503", 503)):
        with raises(ApiError, status) as caught:
            await speak(emulators, key)
        assert caught.error.body["detail"]["status"]
    with raises(ApiError, 400):
        await speak(emulators, format="aac_44100")
