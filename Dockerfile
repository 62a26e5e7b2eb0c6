# Two images from one file. `docker build .` makes the one that scores and serves, without TensorFlow;
# `docker build --target train .` the one that trains as well. Both carry only a virtual environment.
FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/servier
ENV PATH=/opt/servier/bin:$PATH
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY servier servier

FROM build AS build-train
RUN pip install --no-cache-dir --constraint requirements.lock ".[train,serve]"

FROM build AS build-serve
RUN pip install --no-cache-dir --constraint requirements.lock ".[serve]"

FROM python:3.11-slim AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 libxrender1 libxext6 libexpat1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 servier \
 && mkdir /data /models \
 && chown servier: /data /models
ENV PATH=/opt/servier/bin:$PATH
USER servier
WORKDIR /
VOLUME ["/data", "/models"]
ENTRYPOINT ["servier"]

FROM base AS train
COPY --from=build-train /opt/servier /opt/servier
CMD ["train", "--data_dir", "/data", "--models_dir", "/models"]

# The last stage is what a build without a target makes.
FROM base AS serve
COPY --from=build-serve /opt/servier /opt/servier
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import http.client; c = http.client.HTTPConnection('127.0.0.1:5000', timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
# It answers to localhost and any address; other names: serve --host 0.0.0.0 --models_dir /models --allowed_hosts NAME
CMD ["serve", "--host", "0.0.0.0", "--port", "5000", "--models_dir", "/models"]
