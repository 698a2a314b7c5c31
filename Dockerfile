# syntax=docker/dockerfile:1

# The environment is built where pip and uv are; the image that runs holds neither compilers nor secrets.
FROM python:3.13-slim AS environment
WORKDIR /srv/humas
COPY requirements-uv.lock requirements.lock ./
RUN python -m venv .venv \
 && python -m venv /opt/uv \
 && /opt/uv/bin/python -m pip install --no-cache-dir --require-hashes --no-deps -r requirements-uv.lock \
 && /opt/uv/bin/uv pip sync --no-cache --python .venv/bin/python --require-hashes --compile-bytecode requirements.lock

FROM python:3.13-slim
# The account has no shell and owns nothing but its home.
RUN useradd --system --create-home --home-dir /var/lib/humas --shell /usr/sbin/nologin humas
WORKDIR /srv/humas
COPY --from=environment /srv/humas/.venv .venv
COPY . .
ENV PYTHONPATH=/srv/humas \
    PYTHONUNBUFFERED=1 \
    HUMAS_MODE=production \
    HUMAS_HOME=/var/lib/humas \
    HUMAS_WEB_HOST=0.0.0.0
RUN .venv/bin/python -m compileall -q agents analysis channels cli config domain embedded net \
      notifications sources storage web workers workflows
USER humas
EXPOSE 8321
# One image, one process each: web, worker, clock, migrate (docker-compose.yml).
CMD ["bin/humas", "web"]
