# The program and its locked packages. Without ENTREPOT_DATABASE_URL it runs its embedded PostgreSQL 18 in the volume.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/app/src \
    ENTREPOT_HOME=/var/lib/entrepot \
    ENTREPOT_HOST=0.0.0.0 \
    ENTREPOT_LOG_FORMAT=json

RUN useradd --system --create-home --home-dir /var/lib/entrepot --uid 10001 entrepot \
    && chmod 700 /var/lib/entrepot

WORKDIR /app
COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/run.txt
COPY LICENSE LICENSE
COPY src src
RUN python -m compileall -q src

USER entrepot
VOLUME /var/lib/entrepot
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["python", "-m", "entrepot"]
CMD ["serve"]
