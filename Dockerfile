# Two stages: the first installs into a virtual environment, the second carries only that.
FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/servier
ENV PATH=/opt/servier/bin:$PATH
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY servier servier
RUN pip install --no-cache-dir --constraint requirements.lock ".[train,serve]"

FROM python:3.11-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 libxrender1 libxext6 libexpat1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 servier \
 && mkdir /data /models \
 && chown servier: /data /models
COPY --from=build /opt/servier /opt/servier
ENV PATH=/opt/servier/bin:$PATH
USER servier
WORKDIR /
VOLUME ["/data", "/models"]
EXPOSE 5000
ENTRYPOINT ["servier"]
CMD ["serve", "--host", "0.0.0.0", "--port", "5000", "--models_dir", "/models"]
