# syntax=docker/dockerfile:1
# `codec` for CPUs. docs/pipelines.md says how it is used; .ci/image builds and tries it.
FROM python:3.12-slim AS wheel
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel /source

FROM python:3.12-slim
# Of the package's extras; "fsspec,cluster" for the machines of a Ray cluster.
ARG EXTRAS=fsspec
# torch without CUDA's libraries, and what else the wheel needs but CompressAI: only evaluations compare with it.
RUN --mount=from=wheel,source=/wheel,target=/wheel --mount=source=.ci/needs,target=/needs \
    python /needs /wheel/*.whl "$EXTRAS" compressai > /tmp/needs.txt \
    && pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu \
    && pip install --no-cache-dir -r /tmp/needs.txt \
    && pip install --no-cache-dir --no-deps /wheel/*.whl \
    && rm /tmp/needs.txt
WORKDIR /data
ENTRYPOINT ["codec"]
CMD ["--help"]
