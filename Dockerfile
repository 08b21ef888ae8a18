# PathViewer with all that it needs: nothing is fetched when it runs, so it works without a network.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 pathviewer
WORKDIR /app

# the builder's pip configuration decides which index is asked, and so which build of PyTorch comes:
# docker build --secret id=pip,src=pip.conf
COPY requirements.txt requirements-formats.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip install --no-cache-dir -r requirements.txt -r requirements-formats.txt

COPY app.py LICENSE README.md ./
COPY models models
COPY storage storage
COPY pathviewer pathviewer

# the viewer's JavaScript and the demo slide, which a first start would fetch
ENV PATHVIEWER_BAKED=/opt/pathviewer
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m pathviewer bake --out /opt/pathviewer && chmod -R a+rX /opt/pathviewer

# slides are read from /slides; all that is kept lies in /data
ENV PATHVIEWER_DATA=/data PATHVIEWER_SLIDES=/slides PATHVIEWER_HOST=0.0.0.0 PATHVIEWER_PORT=7860 \
    PYTHONUNBUFFERED=1
RUN mkdir -p /data /slides && chown pathviewer:pathviewer /data
VOLUME /data
USER pathviewer
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/api/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "pathviewer"]
CMD ["serve"]
